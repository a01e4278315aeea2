/**
 * What a person sees of the packets: words on the terminal with `--log trace`, a file with `--pcap`.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { capture } from "../tun/capture.ts";
import type { Device } from "../tun/device.ts";
import { tap } from "../tun/tap.ts";
import { describePacket } from "../wire/describe.ts";
import { UsageError } from "./usage_error.ts";

/** Opens the file that `--pcap` names; before the device, so that a wrong path leaves nothing half done. */
export async function openRecording(path: string | undefined): Promise<Deno.FsFile | undefined> {
  if (path === undefined) return undefined;
  try {
    return await Deno.open(path, { create: true, write: true, truncate: true });
  } catch (error) {
    throw new UsageError(`Option --pcap cannot write "${path}": ${(error as Error).message}`);
  }
}

/** The device with whatever looks at it; closing it closes the device and the recording. */
export function tapDevice(
  device: Device,
  recording: Deno.FsFile | undefined,
  log: Log,
): Device {
  let tapped = device;
  if (log.enabled("trace")) {
    tapped = tap(tapped, (direction, packet) => {
      log.trace(`${direction === "outbound" ? "-->" : "<--"} ${describePacket(packet)}`);
    });
  }
  return recording === undefined ? tapped : capture(tapped, recording.writable);
}

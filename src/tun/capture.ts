/**
 * A tap that records what passes through a device as pcapng, for tshark and Wireshark.
 *
 * @module
 */

import type { Device } from "./device.ts";
import { enhancedPacket, interfaceDescription, sectionHeader } from "./pcapng.ts";
import { plainPackets } from "./offload/segment.ts";
import { type Direction, tapFrames } from "./tap.ts";

/** What waits for a slow disk; what comes beyond is passed on unrecorded, and the file says so. More than a second at 100 Mbit/s. */
const DEFAULT_MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** What {@linkcode capture} may be told. */
export interface CaptureOptions {
  /** A word about a packet, for instance its flow's name. */
  readonly comment?: (direction: Direction, packet: Uint8Array) => string | undefined;
  /** Bytes that may wait for the sink. Default 16 MiB. */
  readonly maxPendingBytes?: number;
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly now?: () => number;
}

/**
 * A device that writes each packet to `sink`, as a wire would carry it: segments cut, checksums complete. The network goes on
 * when the sink fails or is slow; `close` ends the file, and rejects when the sink had failed. The capture owns `device`.
 *
 * @example A file for Wireshark
 * ```ts ignore
 * const file = await Deno.open("trace.pcapng", { create: true, write: true, truncate: true });
 * await using device = capture(await openTun({ name: "tun0" }), file.writable);
 * ```
 */
export function capture(
  device: Device,
  sink: WritableStream<Uint8Array<ArrayBuffer>>,
  options: CaptureOptions = {},
): Device {
  const { maxPendingBytes = DEFAULT_MAX_PENDING_BYTES, comment } = options;
  const now = options.now ?? (() => performance.timeOrigin + performance.now());
  const writer = sink.getWriter();
  writer.closed.catch(() => {}); // said by close
  let pending = 0;
  let dropped = 0;
  const write = (block: Uint8Array<ArrayBuffer>) => {
    pending += block.length;
    // After a failure nothing becomes less, and so the capture stops at its bound.
    writer.write(block).then(() => pending -= block.length, () => {});
  };
  write(sectionHeader("PseudoTCP"));
  write(interfaceDescription(device.name));
  const tapped = tapFrames(device, (direction, frame, length) => {
    if (pending + length > maxPendingBytes) {
      dropped++;
      return;
    }
    const timeUs = now() * 1000;
    for (const packet of plainPackets(frame, length)) {
      const note = comment?.(direction, packet);
      write(enhancedPacket(packet, { timeUs, direction, comment: note, dropped }));
      dropped = 0;
    }
  });
  let closing: Promise<void> | undefined;
  const close = () => closing ??= device.close().then(() => end(writer));
  return withClose(tapped, close);
}

/** Of a sink that has failed, `close` knows only that it has, and `closed` why. */
function end(writer: WritableStreamDefaultWriter): Promise<void> {
  writer.close().catch(() => {});
  return writer.closed;
}

function withClose(device: Device, close: () => Promise<void>): Device {
  return {
    name: device.name,
    mtu: device.mtu,
    offload: device.offload,
    cuts: device.cuts,
    frame: device.frame,
    udpOffload: device.udpOffload,
    readFrame: (into) => device.readFrame(into),
    writeFrame: (frame, length) => device.writeFrame(frame, length),
    waitReadable: () => device.waitReadable(),
    get readable() {
      return device.readable;
    },
    get writable() {
      return device.writable;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Between a device and the core: batches of frames, and a thread hop only when there is nothing to do.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Device } from "../tun/device.ts";
import { MAX_FRAME_LENGTH } from "../wire/virtio.ts";
import type { Driver, Output } from "./driver.ts";

/** Frames read in a row before sockets and streams get their turn. A super-packet holds 44 segments, so this is up to 2 MiB. */
const BATCH_FRAMES = 32;

/**
 * Frames written in a row: with the batch that was read, and a system call of up to 30 us for each, a turn of the event loop is bounded
 * to some milliseconds, whatever the windows of how many flows would let through.
 */
const OUTPUT_FRAMES = 64;

/** The same where the device cuts each frame into packets by itself: 350 of them, a system call and a checksum each. */
const CUT_BYTES = 512 * 1024;

/** An output that writes to the device at once. */
export function deviceOutput(device: Device): Output {
  const frame = device.frame ?? new Uint8Array(MAX_FRAME_LENGTH);
  const maxBytes = device.offload ? Infinity : CUT_BYTES;
  return (stack, now) => {
    let bytes = 0;
    for (let count = 0; count < OUTPUT_FRAMES && bytes < maxBytes; count++) {
      const length = stack.pollPacket(frame, now);
      if (length === 0) return false;
      bytes += length;
      // A frame that the device has no room for is a lost packet, which TCP mends.
      device.writeFrame(frame, length);
    }
    return true;
  };
}

/** Carries frames from the device into the core until the device is closed or `signal` is aborted. */
export async function pump(device: Device, driver: Driver, signal: AbortSignal): Promise<void> {
  const frame = device.frame ?? new Uint8Array(MAX_FRAME_LENGTH);
  /** Hands a batch of the frames that wait to the core; returns how many. */
  const takeBatch = (now: number): number => {
    let count = 0;
    while (count < BATCH_FRAMES) {
      const length = device.readFrame(frame);
      if (length === 0) break;
      driver.stack.handlePacket(frame, length, now);
      count++;
    }
    return count;
  };
  driver.input = (now) => takeBatch(now) === BATCH_FRAMES;
  try {
    while (!signal.aborted) {
      const now = driver.now();
      if (takeBatch(now) > 0) {
        driver.flush(now);
        await new Promise<void>((resolve) => setImmediate(resolve));
      } else if (!await device.waitReadable()) {
        return;
      }
    }
  } finally {
    driver.input = () => false;
  }
}

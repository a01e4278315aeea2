/**
 * The slow road: a device's packets as Web Streams of plain packets, as a wire would carry them, for people who want to look.
 * What the kernel left undone is done here: large segments are cut and partial checksums completed.
 *
 * @module
 */

import { clearFrameHeader, FRAME_HEADER_LENGTH, MAX_FRAME_LENGTH } from "../wire/virtio.ts";
import type { Device } from "./device.ts";
import { plainPackets } from "./offload/segment.ts";

/** Packets from the program, one IP packet a chunk, checksums complete. Closes with the device. */
export function packetReadable(
  device: Pick<Device, "readFrame" | "waitReadable">,
): ReadableStream<Uint8Array> {
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (true) {
        const length = device.readFrame(frame);
        if (length > 0) {
          for (const packet of plainPackets(frame, length)) controller.enqueue(packet);
          return;
        }
        if (!await device.waitReadable()) return controller.close();
      }
    },
    // Nothing is taken from the device before somebody asks: what waits there is bounded by the kernel.
  }, { highWaterMark: 0 });
}

/**
 * Packets to the program, one IP packet a chunk. A packet that the device has no room for is lost, as on any wire.
 * Closing or aborting the stream leaves the device open. A chunk that is no packet of 1 to 65,535 bytes errors the stream.
 */
export function packetWritable(device: Pick<Device, "writeFrame">): WritableStream<Uint8Array> {
  const frame = new Uint8Array(MAX_FRAME_LENGTH);
  return new WritableStream<Uint8Array>({
    write(packet) {
      if (!(packet instanceof Uint8Array)) {
        throw new TypeError(`Cannot send "${typeof packet}": write one IP packet as a Uint8Array`);
      }
      const length = FRAME_HEADER_LENGTH + packet.length;
      if (packet.length === 0 || length > MAX_FRAME_LENGTH) {
        throw new RangeError(
          `Cannot send a packet of "${packet.length}" bytes: write 1 to ${
            MAX_FRAME_LENGTH - FRAME_HEADER_LENGTH
          }`,
        );
      }
      clearFrameHeader(frame);
      frame.set(packet, FRAME_HEADER_LENGTH);
      device.writeFrame(frame, length);
    },
  });
}

/**
 * Decorators that look at what passes through a device and change nothing.
 *
 * @module
 */

import { FRAME_HEADER_LENGTH } from "../wire/virtio.ts";
import type { Device } from "./device.ts";
import { packetReadable, packetWritable } from "./streams.ts";

/** *outbound* comes from the program, *inbound* goes to it. */
export type Direction = "outbound" | "inbound";

/** Sees the first `length` bytes of a frame, which may change after the call. */
export type FrameListener = (direction: Direction, frame: Uint8Array, length: number) => void;

/** Sees a packet; the bytes are valid only during the call. */
export type PacketListener = (direction: Direction, packet: Uint8Array) => void;

/**
 * A device that shows each packet to `onPacket`, as it passes: that may be a segment longer than the MTU, with a checksum that
 * is not complete. Inbound packets are shown when the device has taken them. The tap owns `device`.
 *
 * @example A trace in words
 * ```ts
 * import { memoryDevice } from "./memory.ts";
 * import { tap } from "./tap.ts";
 *
 * const { device, far } = memoryDevice();
 * const lines: string[] = [];
 * await using traced = tap(device, (direction, packet) => lines.push(`${direction} ${packet.length}`));
 * await far.writable.getWriter().write(new Uint8Array(40));
 * await traced.readable.getReader().read();
 * if (lines[0] !== "outbound 40") throw new Error(lines.join());
 * ```
 */
export function tap(device: Device, onPacket: PacketListener): Device {
  return tapFrames(
    device,
    (direction, frame, length) => onPacket(direction, frame.subarray(FRAME_HEADER_LENGTH, length)),
  );
}

/** The same with whole frames, for those who need to know what is left to do on the packet. */
export function tapFrames(device: Device, onFrame: FrameListener): Device {
  return new TappedDevice(device, onFrame);
}

class TappedDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: boolean;
  readonly cuts: boolean;
  readonly udpOffload: boolean;
  readonly #device: Device;
  readonly #onFrame: FrameListener;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  constructor(device: Device, onFrame: FrameListener) {
    this.name = device.name;
    this.mtu = device.mtu;
    this.offload = device.offload;
    this.cuts = device.cuts ?? false;
    this.udpOffload = device.udpOffload ?? false;
    this.#device = device;
    this.#onFrame = onFrame;
  }

  get frame(): Uint8Array | undefined {
    return this.#device.frame;
  }

  readFrame(into: Uint8Array): number {
    const length = this.#device.readFrame(into);
    if (length > 0) this.#onFrame("outbound", into, length);
    return length;
  }

  writeFrame(frame: Uint8Array, length: number): boolean {
    const taken = this.#device.writeFrame(frame, length);
    if (taken) this.#onFrame("inbound", frame, length);
    return taken;
  }

  waitReadable(): Promise<boolean> {
    return this.#device.waitReadable();
  }

  // Streams of its own: those of the device underneath would pass by the listener.
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= packetReadable(this);
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= packetWritable(this);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

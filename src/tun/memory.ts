/**
 * The in-memory twin of a TUN device: two ends that hand frames to each other, for tests, demos and machines without TUN.
 *
 * @module
 */

import type { Device } from "./device.ts";
import { packetReadable, packetWritable } from "./streams.ts";

/** As many as the queue of a kernel's TUN device holds (TUN_READQ_SIZE of linux/if_tun.h). */
const DEFAULT_QUEUE_FRAMES = 500;
const DEFAULT_MTU = 1500;

/** What {@linkcode memoryDevice} shall make. */
export interface MemoryDeviceOptions {
  /** Name of the near end; the far end has `-far` behind it. Default `memory`. */
  readonly name?: string;
  /** Bytes. Default 1500. It is what both ends announce; longer frames pass. */
  readonly mtu?: number;
  /** What both ends announce. Default true. */
  readonly offload?: boolean;
  /** Frames that may wait in each direction; a further one is lost. Default 500. */
  readonly queueFrames?: number;
}

/** Two ends of one link. */
export interface MemoryDevicePair {
  /** The end that a stack takes for its device. */
  readonly device: MemoryDevice;
  /** The end where the program would be. */
  readonly far: MemoryDevice;
}

/**
 * Makes a link of two devices. Frames written to one wait in the other, up to a bound. Closing either end closes the link; what
 * waits can still be read.
 *
 * @throws {RangeError} If `queueFrames` is no positive integer
 *
 * @example A packet from the far end to the near one
 * ```ts
 * import { memoryDevice } from "./memory.ts";
 *
 * const { device, far } = memoryDevice();
 * const writer = far.writable.getWriter();
 * await writer.write(Uint8Array.of(0x45, 0, 0, 1));
 * const reader = device.readable.getReader();
 * const { value } = await reader.read();
 * if (value?.[0] !== 0x45) throw new Error("the packet is lost");
 * await device.close();
 * ```
 */
export function memoryDevice(options: MemoryDeviceOptions = {}): MemoryDevicePair {
  const { name = "memory", mtu = DEFAULT_MTU, offload = true } = options;
  const { queueFrames = DEFAULT_QUEUE_FRAMES } = options;
  if (!Number.isInteger(queueFrames) || queueFrames < 1) {
    throw new RangeError(`Cannot queue "${queueFrames}" frames: choose a positive integer`);
  }
  const outbound = new FrameQueue(queueFrames);
  const inbound = new FrameQueue(queueFrames);
  return {
    device: new MemoryDevice(name, mtu, offload, outbound, inbound),
    far: new MemoryDevice(`${name}-far`, mtu, offload, inbound, outbound),
  };
}

/** One end of a link in memory. Made by {@linkcode memoryDevice}. */
export class MemoryDevice implements Device {
  /** The name of this end. */
  readonly name: string;
  /** The largest packet that may leave towards the program, in bytes. */
  readonly mtu: number;
  /** Whether written frames may leave checksums and segmentation to the other end. */
  readonly offload: boolean;
  /** Whether they may leave the cutting of many UDP datagrams to it, too. */
  readonly udpOffload: boolean;
  readonly #incoming: FrameQueue;
  readonly #outgoing: FrameQueue;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Joins two queues to one end. */
  constructor(
    name: string,
    mtu: number,
    offload: boolean,
    incoming: FrameQueue,
    outgoing: FrameQueue,
  ) {
    this.name = name;
    this.mtu = mtu;
    this.offload = offload;
    this.udpOffload = offload;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  /** Frames written here that were lost, because the other end had not read enough or was closed. */
  get dropped(): number {
    return this.#outgoing.dropped;
  }

  /** Copies one waiting frame into `into` and returns its length; 0 when none waits. A longer one is cut, as by the kernel. */
  readFrame(into: Uint8Array): number {
    const frame = this.#incoming.shift();
    if (frame === undefined) return 0;
    const length = Math.min(frame.length, into.length);
    into.set(frame.subarray(0, length));
    return length;
  }

  /** Writes the first `length` bytes of `frame`; false when the other end's queue is full and the frame is lost. */
  writeFrame(frame: Uint8Array, length: number): boolean {
    return this.#outgoing.push(frame, length);
  }

  /** Settles with true as soon as a frame waits, with false once the link is closed and nothing waits. */
  waitReadable(): Promise<boolean> {
    return this.#incoming.wait();
  }

  /** Packets from the other end, one IP packet a chunk, checksums complete. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= packetReadable(this);
  }

  /** Packets to the other end, one IP packet a chunk. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= packetWritable(this);
  }

  /** Closes the link. Closing twice does nothing. */
  close(): Promise<void> {
    this.#incoming.close();
    this.#outgoing.close();
    return Promise.resolve();
  }

  /** Closes the link. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One direction. Invariant: `#frames.length` is at most the limit, and somebody waits only while it is 0. */
class FrameQueue {
  readonly #limit: number;
  readonly #frames: Uint8Array[] = [];
  #closed = false;
  #waiting: PromiseWithResolvers<boolean> | undefined;
  dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(frame: Uint8Array, length: number): boolean {
    if (this.#closed || this.#frames.length === this.#limit) {
      this.dropped++;
      return false;
    }
    this.#frames.push(frame.slice(0, length));
    this.#settle(true);
    return true;
  }

  shift(): Uint8Array | undefined {
    return this.#frames.shift();
  }

  wait(): Promise<boolean> {
    if (this.#frames.length > 0) return Promise.resolve(true);
    if (this.#closed) return Promise.resolve(false);
    this.#waiting ??= Promise.withResolvers<boolean>();
    return this.#waiting.promise;
  }

  close(): void {
    this.#closed = true;
    this.#settle(false);
  }

  #settle(there: boolean): void {
    this.#waiting?.resolve(there);
    this.#waiting = undefined;
  }
}

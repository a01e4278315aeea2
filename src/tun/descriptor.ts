/**
 * A {@linkcode Device} over the file descriptor of a TUN device. Reads and writes are system calls that never wait; waiting is left to the
 * event loop, and where that cannot be to a `poll` on another thread.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { Sums } from "../wire/sums.ts";
import { MAX_FRAME_LENGTH } from "../wire/virtio.ts";
import type { Device } from "./device.ts";
import { errorText, F_DUPFD_CLOEXEC, type Libc, libc } from "./ffi.ts";
import { LoopWait } from "./loop_wait.ts";
import { interfaceRequest } from "./configure.ts";
import { Cutter } from "./offload/cut.ts";
import { Gatherer } from "./offload/gather.ts";
import { packetReadable, packetWritable } from "./streams.ts";
import { ThreadWait } from "./thread_wait.ts";
import { TUNGETIFF } from "./tun_ioctl.ts";

/** How soon the end of an interface is noticed that somebody has removed. */
const WATCH_INTERVAL_MS = 1_000;

/** What is known about a descriptor. */
export interface DescriptorFacts {
  readonly name: string;
  readonly mtu: number;
  /** Whether each packet has a virtio-net header of ten bytes in front (IFF_VNET_HDR). */
  readonly hasHeader: boolean;
  /** Whether the kernel cuts UDP super-packets. */
  readonly udpOffload: boolean;
}

/** A TUN device that is open. Made by `openTun` and `adoptTun`. */
export class TunDevice implements Device {
  /** The interface's name, for instance `tun0`. */
  readonly name: string;
  /** The largest packet that may leave towards the program, in bytes. */
  readonly mtu: number;
  /** Whether the kernel takes checksums and segmentation over. Written frames may leave them to do in any case. */
  readonly offload: boolean;
  /** What the kernel does not do on a written frame is done here. */
  readonly cuts = true;
  /** A buffer that is read into with the least effort, where the kernel leaves the sums to us. */
  readonly frame?: Uint8Array;
  /** Whether they may leave the cutting of many UDP datagrams to it, too. */
  readonly udpOffload: boolean;
  readonly #libc: Libc;
  /** Invariant: -1 from the moment that `close` is called, so that a number that means another file by then is never used. */
  #fd: number;
  /** Made by the first wait; null once it has failed. */
  #loopWait: LoopWait | null | undefined;
  readonly #threadWait: ThreadWait;
  #watch: ReturnType<typeof setInterval> | undefined;
  /** Joins plain packets to super-packets, where the kernel does not. */
  readonly #gatherer: Gatherer | undefined;
  /** Cuts super-packets to plain ones there. */
  readonly #cutter: Cutter | undefined;
  #waiting: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Takes over `fd`, which must be non-blocking. */
  constructor(fd: number, facts: DescriptorFacts) {
    this.#libc = libc();
    this.name = facts.name;
    this.mtu = facts.mtu;
    this.offload = facts.hasHeader;
    this.udpOffload = facts.udpOffload;
    this.#fd = fd;
    if (!facts.hasHeader) {
      const sums = Sums.ofLength(MAX_FRAME_LENGTH);
      this.frame = sums.bytes;
      this.#gatherer = new Gatherer((into) => this.#read(into), facts.mtu, sums);
      this.#cutter = new Cutter((packet) => this.#write(packet, packet.length), sums);
    }
    const threadWait = ThreadWait.open(this.#libc, fd);
    if (threadWait === undefined) {
      const why = errorText(this.#libc.errno());
      this.#libc.close(fd);
      throw new DeviceError("failed", `Cannot make an eventfd for "${facts.name}": ${why}`);
    }
    this.#threadWait = threadWait;
  }

  /** The number of the descriptor, for handing it to another process; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Copies one waiting frame into `into` (at least `MAX_FRAME_LENGTH` bytes) and returns its length; 0 when none waits. */
  readFrame(into: Uint8Array): number {
    if (this.#gatherer !== undefined) return this.#gatherer.readFrame(into);
    return Math.max(this.#read(into), 0);
  }

  #read(into: Uint8Array): number {
    return this.#loopWait?.take(into) || this.#libc.read(this.#fd, into, into.length);
  }

  /** Writes the first `length` bytes of `frame`; false when the device had no room, or is down, and the frame is lost. */
  writeFrame(frame: Uint8Array, length: number): boolean {
    return this.#cutter?.writeFrame(frame, length) ?? this.#write(frame, length);
  }

  #write(bytes: Uint8Array, length: number): boolean {
    return this.#libc.write(this.#fd, bytes, length) === length;
  }

  /** Settles with true as soon as a frame waits, with false once the device is closed or the kernel has removed it. */
  waitReadable(): Promise<boolean> {
    return this.#gatherer?.isHolding ? Promise.resolve(true) : this.#waiting ??= this.#wait();
  }

  async #wait(): Promise<boolean> {
    try {
      if (this.#fd < 0) return false;
      this.#loopWait ??= this.#loopWait === null ? null : this.#openLoopWait();
      if (await this.#loopWait?.wait()) return true;
      // Whatever ended it: the other way tells whether the device is gone.
      clearInterval(this.#watch);
      this.#loopWait = null;
      return this.#fd >= 0 && await this.#threadWait.wait();
    } finally {
      this.#waiting = undefined;
    }
  }

  #openLoopWait(): LoopWait | null {
    const fd = this.#libc.fcntl(this.#fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return null;
    const loopWait = LoopWait.open(fd, MAX_FRAME_LENGTH);
    if (loopWait === undefined) {
      this.#libc.close(fd);
      return null;
    }
    // The runtime's event loop does not hear of a device that is removed.
    const request = interfaceRequest("");
    const watch = this.#watch = setInterval(() => {
      if (this.#libc.ioctl(this.#fd, TUNGETIFF, request) < 0) void this.#endLoopWait();
    }, WATCH_INTERVAL_MS);
    Deno.unrefTimer(watch);
    return loopWait;
  }

  async #endLoopWait(): Promise<void> {
    clearInterval(this.#watch);
    await this.#loopWait?.close();
  }

  /** Packets from the program, one IP packet a chunk, checksums complete. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= packetReadable(this);
  }

  /** Packets to the program, one IP packet a chunk. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= packetWritable(this);
  }

  /** Closes the device; the kernel then removes the interface. Closing twice does nothing. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    await this.#endLoopWait();
    await this.#threadWait.close();
    await this.#waiting;
    this.#libc.close(fd);
  }

  /** Closes the device. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

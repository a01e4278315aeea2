/**
 * A {@linkcode Device} over the file descriptor of a TUN device. Reads and writes are system calls that never wait;
 * the one call that waits is a `poll` on a thread of Deno's pool, paid only when the device is idle.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { clearFrameHeader, FRAME_HEADER_LENGTH } from "../wire/virtio.ts";
import type { Device } from "./device.ts";
import { errorText, type Libc, libc, O_CLOEXEC, O_NONBLOCK, POLLIN } from "./ffi.ts";
import { packetReadable, packetWritable } from "./streams.ts";

/** Two entries of `struct pollfd` (poll(2)): descriptor, asked events, what happened. */
const POLL_ENTRY_LENGTH = 8;
const POLL_ENTRIES = 2;
const POLL_EVENTS = 4;
const POLL_RESULT = 6;
const FOREVER = -1;
/** A counter that an eventfd(2) adds to is eight bytes. */
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

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
  /** Whether written frames may leave checksums and segmentation to the kernel. */
  readonly offload: boolean;
  /** Whether they may leave the cutting of many UDP datagrams to it, too. */
  readonly udpOffload: boolean;
  readonly #libc: Libc;
  /** Invariant: -1 from the moment that `close` is called, so that a number that means another file by then is never used. */
  #fd: number;
  readonly #wakeFd: number;
  readonly #pollEntries = new Uint8Array(POLL_ENTRY_LENGTH * POLL_ENTRIES);
  readonly #pollView = new DataView(this.#pollEntries.buffer);
  /** Where packets start in a frame that is handed to the kernel: 0, or 10 when the kernel speaks plain packets. */
  readonly #skip: number;
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
    this.#skip = facts.hasHeader ? 0 : FRAME_HEADER_LENGTH;
    this.#fd = fd;
    this.#wakeFd = this.#libc.eventfd(0, O_CLOEXEC | O_NONBLOCK);
    if (this.#wakeFd < 0) {
      const why = errorText(this.#libc.errno());
      this.#libc.close(fd);
      throw new DeviceError("failed", `Cannot make an eventfd for "${facts.name}": ${why}`);
    }
    [fd, this.#wakeFd].forEach((waitedFor, i) => {
      this.#pollView.setInt32(i * POLL_ENTRY_LENGTH, waitedFor, true);
      this.#pollView.setInt16(i * POLL_ENTRY_LENGTH + POLL_EVENTS, POLLIN, true);
    });
  }

  /** The number of the descriptor, for handing it to another process; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Copies one waiting frame into `into` (at least `MAX_FRAME_LENGTH` bytes) and returns its length; 0 when none waits. */
  readFrame(into: Uint8Array): number {
    if (this.#skip === 0) {
      const length = this.#libc.read(this.#fd, into, into.length);
      return length > 0 ? length : 0;
    }
    const packet = into.subarray(this.#skip);
    const length = this.#libc.read(this.#fd, packet, packet.length);
    if (length <= 0) return 0;
    clearFrameHeader(into);
    return length + this.#skip;
  }

  /** Writes the first `length` bytes of `frame`; false when the device had no room, or is down, and the frame is lost. */
  writeFrame(frame: Uint8Array, length: number): boolean {
    if (this.#skip === 0) return this.#libc.write(this.#fd, frame, length) === length;
    const size = length - this.#skip;
    return this.#libc.write(this.#fd, frame.subarray(this.#skip, length), size) === size;
  }

  /** Settles with true as soon as a frame waits, with false once the device is closed or the kernel has removed it. */
  waitReadable(): Promise<boolean> {
    if (this.#fd < 0) return Promise.resolve(false);
    return this.#waiting ??= this.#poll();
  }

  async #poll(): Promise<boolean> {
    try {
      let ready: number;
      // The error number of a call on another thread is out of reach; what remains here is EINTR.
      do {
        ready = await this.#libc.poll(this.#pollEntries, POLL_ENTRIES, FOREVER);
      } while (ready < 0 && this.#fd >= 0);
      return this.#fd >= 0 && (this.#pollView.getInt16(POLL_RESULT, true) & POLLIN) !== 0;
    } finally {
      this.#waiting = undefined;
    }
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
    if (this.#waiting !== undefined) {
      this.#libc.write(this.#wakeFd, ONE, ONE.length);
      await this.#waiting;
    }
    this.#libc.close(fd);
    this.#libc.close(this.#wakeFd);
  }

  /** Closes the device. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

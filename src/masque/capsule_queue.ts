/**
 * Datagrams that wait to leave, already as the bytes that leave: many in one write. UDP may lose, so a full queue drops its oldest
 * and counts; a sender never waits.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { MAX_DATAGRAM_HEADER_BYTES, MAX_UDP_PAYLOAD_BYTES, setDatagramHeader } from "./datagram.ts";

/**
 * Bytes that may wait in one tunnel: 20 ms at 100 Mbit/s, about 210 packets of a QUIC program, and always at least three of the longest datagrams.
 * What waits longer than that is older than what its sender has sent again. The buffer behind it is at most twice as large.
 */
export const MAX_WAITING_BYTES = 256 * 1024;

/** What an idle tunnel holds on to: one small datagram of a game or a resolver. */
const MIN_BUFFER_BYTES = 512;

/** A queue of capsules. */
export class CapsuleQueue {
  readonly #maxBytes: number;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Bytes of the queue: from `#start` to `#end` of the buffer. */
  #start = 0;
  #end = 0;
  /** Where each datagram ends; the first that still counts is at `#oldest`. */
  #ends: number[] = [];
  #oldest = 0;
  /** Capsules that must not be lost; they leave first. */
  #control: Uint8Array[] = [];
  /** What the last write took: most likely the next one is as large. */
  #usualBytes = 0;
  #dropped = 0;

  /** `maxBytes` bounds what waits. */
  constructor(maxBytes: number = MAX_WAITING_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#start === this.#end && this.#control.length === 0;
  }

  /** Capsules other than datagrams that wait. */
  get controlWaiting(): number {
    return this.#control.length;
  }

  /** Datagrams dropped so far because the queue was full or because they are longer than UDP has them. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Adds a datagram by copying it; `prefix` comes before its payload. Without `context` it is a chunk of draft 03.
   *
   * @example Two datagrams leave in one write
   * ```ts
   * import { CapsuleQueue } from "./capsule_queue.ts";
   *
   * const queue = new CapsuleQueue();
   * queue.push(0, new Uint8Array([7]));
   * queue.push(0, new Uint8Array(0));
   * if (queue.take()?.join() !== "0,2,0,7,0,1,0") throw new Error("unexpected");
   * ```
   */
  push(context: number | undefined, payload: Uint8Array, prefix?: Uint8Array): void {
    const length = payload.length + (prefix?.length ?? 0);
    if (payload.length > MAX_UDP_PAYLOAD_BYTES) return void this.#dropped++;
    this.#makeRoom(length + MAX_DATAGRAM_HEADER_BYTES);
    let at = setDatagramHeader(this.#buffer, this.#end, context, length);
    if (prefix !== undefined) {
      this.#buffer.set(prefix, at);
      at += prefix.length;
    }
    this.#buffer.set(payload, at);
    this.#end = at + payload.length;
    this.#ends.push(this.#end);
  }

  /** Adds a whole capsule that is never dropped and leaves before the datagrams. Whoever adds it bounds how many there are. */
  pushControl(capsule: Uint8Array): void {
    this.#control.push(capsule);
  }

  /** Takes all that waits: bytes for one write, in an array that the queue forgets. `undefined` when nothing waits. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.isEmpty) return undefined;
    let bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#usualBytes = bytes.length;
    if (this.#control.length > 0) bytes = concatBytes([...this.#control.splice(0), bytes]);
    this.#buffer = new Uint8Array(0);
    this.#start = this.#end = this.#oldest = 0;
    this.#ends.length = 0;
    return bytes;
  }

  #makeRoom(bytes: number): void {
    while (this.#end - this.#start + bytes > this.#maxBytes && this.#oldest < this.#ends.length) {
      this.#start = this.#ends[this.#oldest++];
      this.#dropped++;
    }
    if (this.#end + bytes <= this.#buffer.length) return;
    const waiting = this.#end - this.#start;
    const least = waiting === 0 ? this.#usualBytes : 2 * waiting;
    const wanted = Math.max(MIN_BUFFER_BYTES, least, waiting + bytes);
    const larger = wanted <= this.#buffer.length ? this.#buffer : new Uint8Array(wanted);
    larger.set(this.#buffer.subarray(this.#start, this.#end));
    this.#ends = this.#ends.slice(this.#oldest).map((end) => end - this.#start);
    this.#buffer = larger;
    this.#end = waiting;
    this.#start = this.#oldest = 0;
  }
}

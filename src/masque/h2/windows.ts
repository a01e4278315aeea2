/**
 * Flow control (RFC 9113, section 5.2): what may still be sent, and what the peer may still send.
 *
 * @module
 */

import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from "./codes.ts";

/** How much may be sent to the peer. It can fall below zero, when the peer changes its mind (section 6.9.2). */
export class SendWindow {
  #left: number;

  /** With `size` to begin with. */
  constructor(size: number) {
    this.#left = size;
  }

  /** Bytes that may be sent. */
  get left(): number {
    return this.#left;
  }

  /** So many were sent. */
  take(count: number): void {
    this.#left -= count;
  }

  /** Grows or shrinks; false when it would become larger than windows may be. */
  change(by: number): boolean {
    if (this.#left + by > MAX_WINDOW_BYTES) return false;
    this.#left += by;
    return true;
  }
}

/** A window opens again when so much of it is free: rarely enough to cost nothing, and early enough that a sender never waits. */
const UPDATE_SHARE = 1 / 4;

/** Bytes on a stream before it is worth asking whether a larger window would serve it. */
const PROBE_AFTER_BYTES = 1 << 20;

/** How much the peer may send to us. */
export class ReceiveWindow {
  /** Bytes to come until its size may be looked at (`growth.ts`). */
  untilProbe = PROBE_AFTER_BYTES;
  #probeAfter = PROBE_AFTER_BYTES;
  #size: number;
  #grown = 0;
  #left: number;
  /** Taken away, and not told yet. */
  #freed = 0;

  /** Open for `size`, and never for less than the default, which the peer may use until it has read our settings. */
  constructor(size: number) {
    this.#size = size;
    this.#left = Math.max(size, DEFAULT_WINDOW_BYTES);
  }

  /** So many came; false when the peer sent more than it may. */
  take(count: number): boolean {
    this.#left -= count;
    return this.#left >= 0;
  }

  /** So many of those were taken away. Returns the increment to tell the peer, 0 for none yet. */
  free(count: number): number {
    this.#freed += count;
    if (this.#freed < this.#size * UPDATE_SHARE) return 0;
    const increment = this.#freed;
    this.#freed = 0;
    this.#left += increment;
    return increment;
  }

  /** What the peer may send before any of it was taken away. */
  get size(): number {
    return this.#size;
  }

  /** Has become larger, which the peer must be told. */
  grow(by: number): void {
    this.#size += by;
    this.#left += by;
    this.#grown += by;
    this.untilProbe = 0;
  }

  /** Was large enough: so it will be looked at half as often. */
  waitLonger(): void {
    this.#probeAfter *= 2;
    this.untilProbe = this.#probeAfter;
  }

  /** By how much it has grown, asked once. */
  takeGrown(): number {
    const grown = this.#grown;
    this.#grown = 0;
    return grown;
  }
}

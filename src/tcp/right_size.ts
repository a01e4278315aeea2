/**
 * How much a queue may hold so that the path is never kept waiting: twice what leaves it within a round trip, found out while it does
 * (dynamic right-sizing, as Linux and FreeBSD do it). A fixed size is too small for a long path or too large for ten thousand short ones.
 *
 * @module
 */

import { INITIAL_BUFFER_BYTES, UNKNOWN_ROUND_MS } from "./constants.ts";

/** What leaves in less time than this says more of the batches than of the path. */
const SHORTEST_LOOK_MS = 1;
/** Grows when more than the half leaves in a round trip, since slow start doubles; and then leaves room for that to happen once more. */
const ROOM_FOR = 2;
const GROW_TO = 4;

/** The size of one queue, in bytes. It only grows: what was promised once is not taken back, and an idle queue costs nothing. */
export class RightSize {
  /** What the queue may hold. */
  bytes: number;
  readonly #mostBytes: number;
  /** What has left it since. */
  #left = 0;
  #since = -Infinity;

  /** Never above `mostBytes`. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.bytes = Math.min(INITIAL_BUFFER_BYTES, mostBytes);
  }

  /** So many bytes have left the queue. */
  take(bytes: number): void {
    this.#left += bytes;
  }

  /**
   * Looks how much left in the last round trip, once one is over. `rttMs` is the least that was seen, Infinity for none: a latest one would
   * hold the time that bytes wait in the very queues that are sized here, and on a local path, where it is next to nothing, these would
   * grow with the load for no good.
   */
  measure(now: number, rttMs: number): void {
    const round = rttMs === Infinity ? UNKNOWN_ROUND_MS : rttMs;
    const elapsed = now - this.#since;
    if (elapsed < Math.max(round, SHORTEST_LOOK_MS)) return;
    // After a pause or a stall more than a round trip has passed.
    const perRound = this.#left * round / elapsed;
    if (ROOM_FOR * perRound > this.bytes) {
      this.bytes = Math.min(Math.ceil(GROW_TO * perRound), this.#mostBytes);
    }
    this.#left = 0;
    this.#since = now;
  }
}

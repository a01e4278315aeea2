/**
 * The scoreboard of a SACK sender (RFC 2018, RFC 6675): which bytes above SND.UNA the peer has.
 *
 * @module
 */

import { seqDiff, seqLess, seqLessEqual, seqMax } from "../wire/seq.ts";
import { DUPLICATE_ACK_THRESHOLD, MAX_SACKED_RANGES } from "./constants.ts";

/** Sorted, disjoint, non-touching ranges of sequence numbers. */
export class Scoreboard {
  #starts: number[] = [];
  #ends: number[] = [];
  #bytes = 0;

  /** Bytes that the peer reported. */
  get sackedBytes(): number {
    return this.#bytes;
  }

  /** Whether nothing is reported. */
  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }

  /** Forgets everything: the peer may have thrown away what it reported (RFC 2018, section 8). */
  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#bytes = 0;
  }

  /** Takes one block; returns how many bytes of it were news. The caller has checked that it lies in SND.UNA..SND.NXT. */
  add(start: number, end: number): number {
    let first = 0;
    while (first < this.#starts.length && seqLess(this.#ends[first], start)) first++;
    let last = first;
    let left = start;
    let right = end;
    let known = 0;
    while (last < this.#starts.length && seqLessEqual(this.#starts[last], end)) {
      known += seqDiff(this.#ends[last], this.#starts[last]);
      if (seqLess(this.#starts[last], left)) left = this.#starts[last];
      right = seqMax(right, this.#ends[last]);
      last++;
    }
    if (last === first && this.#starts.length >= MAX_SACKED_RANGES) return 0;
    this.#starts.splice(first, last - first, left);
    this.#ends.splice(first, last - first, right);
    const news = seqDiff(right, left) - known;
    this.#bytes += news;
    return news;
  }

  /** Drops what lies before `una`. */
  advance(una: number): void {
    while (this.#starts.length > 0 && seqLess(this.#starts[0], una)) {
      const start = this.#starts[0];
      const end = this.#ends[0];
      if (seqLessEqual(end, una)) {
        this.#starts.shift();
        this.#ends.shift();
        this.#bytes -= seqDiff(end, start);
      } else {
        this.#starts[0] = una;
        this.#bytes -= seqDiff(una, start);
      }
    }
  }

  /** The end of the range that holds `seq`, or `seq` itself when it was not reported. */
  skip(seq: number): number {
    for (let i = 0; i < this.#starts.length; i++) {
      if (seqLessEqual(this.#starts[i], seq) && seqLess(seq, this.#ends[i])) return this.#ends[i];
    }
    return seq;
  }

  /** Where the hole that begins at `seq` ends, at most `limit`. */
  holeEnd(seq: number, limit: number): number {
    for (const start of this.#starts) {
      if (seqLess(seq, start)) return seqLess(start, limit) ? start : limit;
    }
    return limit;
  }

  /** Bytes in `from..to` that were not reported. */
  missingBetween(from: number, to: number): number {
    if (!seqLess(from, to)) return 0;
    let missing = seqDiff(to, from);
    for (let i = 0; i < this.#starts.length; i++) {
      const start = seqMax(this.#starts[i], from);
      const end = seqLess(this.#ends[i], to) ? this.#ends[i] : to;
      if (seqLess(start, end)) missing -= seqDiff(end, start);
    }
    return missing;
  }

  /** Below this, every missing byte counts as lost: IsLost of RFC 6675, section 4. `una` when none does. */
  lostEdge(una: number, mss: number): number {
    let above = 0;
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      above += seqDiff(this.#ends[i], this.#starts[i]);
      const ranges = this.#starts.length - i;
      if (ranges >= DUPLICATE_ACK_THRESHOLD || above > (DUPLICATE_ACK_THRESHOLD - 1) * mss) {
        return this.#starts[i];
      }
    }
    return una;
  }
}

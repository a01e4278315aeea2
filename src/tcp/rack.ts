/**
 * Losses told by time: what left well before something that arrived, and has not arrived, is lost, a retransmission as well
 * (RFC 8985, section 6). How well before is the reordering window, which adapts to the path.
 *
 * @module
 */

import { seqLess, seqLessEqual } from "../wire/seq.ts";
import { REORDERING_ROUNDS, RTT_WINDOW_MS } from "./constants.ts";
import type { Deliveries } from "./flight.ts";

/** What one endpoint knows of its path. Call `begin` for each acknowledgment, let `Flight` tell of deliveries, then ask. */
export class Rack implements Deliveries {
  /** The latest transmission that arrived: when it left, and the number behind it. */
  sentAt = -Infinity;
  end = 0;
  /** How long that one took; -1 before the first. */
  rttMs = -1;
  #minRttMs = Infinity;
  #minRttAt = -Infinity;
  /** The highest number that arrived. */
  #highest = 0;
  #hasReordering = false;
  /** The reordering window, in quarters of the smallest round-trip time. */
  #quarters = 1;
  /** Recoveries left until the window is a quarter again. */
  #rounds = REORDERING_ROUNDS;
  /** Reports of duplicates before this number is acknowledged are of one round trip; -1 when none was. */
  #duplicatesUntil = -1;
  #now = 0;
  #echoedAt = -Infinity;

  /** All before `una` arrived before the first record. */
  restart(una: number): void {
    this.#highest = una;
  }

  /** An acknowledgment comes; `echoedAt` is when the segment left that it answers, NaN where no timestamp tells. */
  begin(now: number, echoedAt: number): void {
    this.#now = now;
    this.#echoedAt = echoedAt;
  }

  /** RFC 8985, section 6.2, steps 1 to 3. */
  delivered(end: number, sentAt: number, wasRepeated: boolean): void {
    if (seqLess(this.#highest, end)) this.#highest = end;
    else if (end !== this.#highest && !wasRepeated) this.#hasReordering = true;
    const rtt = this.#now - sentAt;
    if (wasRepeated) {
      // Either the first copy arrived or the second: a timestamp tells, and so does a round trip that is too short.
      if (this.#echoedAt < Math.floor(sentAt) || rtt < this.#minRttMs) return;
    } else if (rtt <= this.#minRttMs || this.#now - this.#minRttAt > RTT_WINDOW_MS) {
      this.#minRttMs = rtt;
      this.#minRttAt = this.#now;
    }
    if (sentAt < this.sentAt || (sentAt === this.sentAt && seqLess(end, this.end))) return;
    this.sentAt = sentAt;
    this.end = end;
    this.rttMs = rtt;
  }

  /** The peer reported a duplicate: what was repeated was only late (RFC 8985, section 6.2, step 4). Once a round trip it counts. */
  onDuplicate(una: number, sndNxt: number): void {
    if (this.#duplicatesUntil >= 0 && seqLess(una, this.#duplicatesUntil)) return;
    this.#duplicatesUntil = sndNxt;
    this.#hasReordering = true;
    this.#quarters++;
    this.#rounds = REORDERING_ROUNDS;
  }

  /** A recovery is over. */
  onRecovered(una: number): void {
    if (this.#duplicatesUntil >= 0 && seqLessEqual(this.#duplicatesUntil, una)) {
      this.#duplicatesUntil = -1;
    }
    if (--this.#rounds <= 0) this.#quarters = 1;
  }

  /** How much later something may arrive than what left after it, in milliseconds. `isClear` when there are signs enough without waiting. */
  reorderingMs(isClear: boolean, smoothedMs: number): number {
    if (this.#minRttMs === Infinity || (isClear && !this.#hasReordering)) return 0;
    return Math.min((this.#quarters * this.#minRttMs) / 4, Math.max(smoothedMs, this.#minRttMs));
  }
}

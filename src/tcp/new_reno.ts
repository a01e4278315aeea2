/**
 * NewReno: slow start, a segment more each round trip, and half after a loss (RFC 5681, RFC 6582).
 *
 * @module
 */

import { type CongestionControl, initialWindow } from "./congestion.ts";
import { SlowStart } from "./slow_start.ts";

/** Slow start, additive increase, and half after a loss. */
export class NewReno implements CongestionControl {
  windowBytes: number;
  readonly #mss: number;
  #slowStartThreshold = Infinity;
  #slowStart = new SlowStart();
  #priorWindow = 0;
  #priorThreshold = Infinity;

  /** `mss` is what one full segment carries. */
  constructor(mss: number) {
    this.#mss = mss;
    this.windowBytes = initialWindow(mss);
  }

  onAck(ackedBytes: number, _now: number, rttMs: number): void {
    if (this.windowBytes < this.#slowStartThreshold) {
      // An acknowledgment of one super-packet stands for all its segments, so bytes are counted (RFC 3465).
      const growth = this.#slowStart.growth(ackedBytes, this.windowBytes, rttMs);
      if (growth === 0) this.#slowStartThreshold = this.windowBytes;
      this.windowBytes += growth;
    } else {
      this.windowBytes += Math.max(1, (this.#mss * ackedBytes) / this.windowBytes);
    }
  }

  onLoss(flightBytes: number): void {
    this.#remember();
    this.#slowStartThreshold = Math.max(flightBytes / 2, 2 * this.#mss);
    this.windowBytes = this.#slowStartThreshold;
  }

  onTimeout(flightBytes: number, isRepeated: boolean): void {
    // The same loss again says nothing new of the path (RFC 5681, section 3.1).
    if (!isRepeated) {
      this.#remember();
      this.#slowStartThreshold = Math.max(flightBytes / 2, 2 * this.#mss);
    }
    this.windowBytes = this.#mss;
  }

  onIdle(): void {
    this.windowBytes = Math.min(this.windowBytes, initialWindow(this.#mss));
  }

  undo(): void {
    this.windowBytes = Math.max(this.windowBytes, this.#priorWindow);
    this.#slowStartThreshold = this.#priorThreshold;
  }

  #remember(): void {
    this.#priorWindow = this.windowBytes;
    this.#priorThreshold = this.#slowStartThreshold;
  }
}

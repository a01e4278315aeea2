/**
 * CUBIC: after a loss the window grows back along a cube root curve, by the clock and not by the round trip, so that long paths
 * are not slower (RFC 9438). Windows are bytes here and segments there.
 *
 * @module
 */

import { type CongestionControl, initialWindow } from "./congestion.ts";
import { SlowStart } from "./slow_start.ts";

/** RFC 9438, section 4.6: what is left of the window after a loss. */
const BETA = 0.7;
/** RFC 9438, section 5: how steep the curve is, in segments a second cubed. */
const C = 0.4;
/** RFC 9438, section 4.3: with this growth a flow that keeps `BETA` is as fast as Reno. */
const RENO_ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** The default congestion control, as in Linux. */
export class Cubic implements CongestionControl {
  windowBytes: number;
  readonly #mss: number;
  #slowStartThreshold = Infinity;
  /** Made when the window grows for the first time. */
  #slowStart: SlowStart | undefined;
  /** The window before the last loss: where the curve is flat. 0 after a timeout, when it begins flat. */
  #flatBytes = 0;
  /** The window right before the last loss. */
  #peakBytes = Infinity;
  /** When this growth began; -1 in slow start and right after a loss. */
  #epochAt = -1;
  /** Seconds from the beginning to the flat of the curve. */
  #flatAfter = 0;
  /** What Reno would have by now. */
  #renoBytes = 0;
  #lastAckAt = 0;
  /** All of it before the last loss. */
  #prior: { window: number; threshold: number; flat: number; peak: number } | undefined;

  /** `mss` is what one full segment carries. */
  constructor(mss: number) {
    this.#mss = mss;
    this.windowBytes = initialWindow(mss);
  }

  onAck(ackedBytes: number, now: number, rttMs: number): void {
    if (this.windowBytes < this.#slowStartThreshold) {
      this.#slowStart ??= new SlowStart();
      const growth = this.#slowStart.growth(ackedBytes, this.windowBytes, rttMs);
      if (growth === 0) this.#slowStartThreshold = this.windowBytes;
      this.windowBytes += growth;
      return;
    }
    if (this.#epochAt < 0) this.#beginEpoch(now);
    // The time in which the application was the limit does not count (RFC 9438, section 5.8).
    const pause = now - this.#lastAckAt - Math.max(rttMs, 0);
    if (pause > 0) this.#epochAt += pause;
    this.#lastAckAt = now;
    this.#grow(ackedBytes, (now - this.#epochAt) / 1000, Math.max(rttMs, 0) / 1000);
  }

  #beginEpoch(now: number): void {
    this.#epochAt = this.#lastAckAt = now;
    this.#renoBytes = this.windowBytes;
    if (this.#flatBytes < this.windowBytes) this.#flatBytes = this.windowBytes;
    this.#flatAfter = Math.cbrt((this.#flatBytes - this.windowBytes) / this.#mss / C);
  }

  #grow(ackedBytes: number, seconds: number, rttSeconds: number): void {
    const share = ackedBytes / this.windowBytes;
    const alpha = this.#renoBytes < this.#peakBytes ? RENO_ALPHA : 1;
    this.#renoBytes += alpha * this.#mss * share;
    if (this.#curve(seconds) < this.#renoBytes) {
      this.windowBytes = Math.max(this.windowBytes, this.#renoBytes);
      return;
    }
    const target = Math.min(this.#curve(seconds + rttSeconds), 1.5 * this.windowBytes);
    const step = target - this.windowBytes;
    if (step > 0) this.windowBytes += Math.min(step * share, step);
  }

  /** W_cubic of RFC 9438, section 4.2. */
  #curve(seconds: number): number {
    return this.#flatBytes + C * (seconds - this.#flatAfter) ** 3 * this.#mss;
  }

  onLoss(flightBytes: number): void {
    this.#remember();
    const window = this.windowBytes;
    // Fast convergence (RFC 9438, section 4.7): a window that did not reach its old peak leaves room to a newcomer.
    this.#flatBytes = window < this.#flatBytes ? (window * (1 + BETA)) / 2 : window;
    this.#peakBytes = window;
    this.#epochAt = -1;
    this.#slowStartThreshold = this.windowBytes = this.#reduced(flightBytes);
  }

  onTimeout(flightBytes: number, isRepeated: boolean): void {
    // The same loss again says nothing new of the path (RFC 5681, section 3.1).
    if (!isRepeated) {
      this.#remember();
      this.#peakBytes = this.windowBytes;
      this.#slowStartThreshold = this.#reduced(flightBytes);
    }
    this.#flatBytes = 0;
    this.#epochAt = -1;
    this.windowBytes = this.#mss;
  }

  #reduced(flightBytes: number): number {
    return Math.max(BETA * flightBytes, 2 * this.#mss);
  }

  onIdle(): void {
    this.windowBytes = Math.min(this.windowBytes, initialWindow(this.#mss));
    this.#epochAt = -1;
  }

  undo(): void {
    if (this.#prior === undefined) return;
    const { window, threshold, flat, peak } = this.#prior;
    this.windowBytes = Math.max(this.windowBytes, window);
    this.#slowStartThreshold = threshold;
    this.#flatBytes = flat;
    this.#peakBytes = peak;
    this.#epochAt = -1;
  }

  #remember(): void {
    this.#prior = {
      window: this.windowBytes,
      threshold: this.#slowStartThreshold,
      flat: this.#flatBytes,
      peak: this.#peakBytes,
    };
  }
}

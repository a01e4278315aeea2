/**
 * How much may be on its way: the interface of congestion control, and NewReno (RFC 5681, RFC 6582, RFC 6928).
 *
 * @module
 */

import { INITIAL_WINDOW_BYTES, INITIAL_WINDOW_SEGMENTS } from "./constants.ts";

/** Decides the congestion window, in bytes; knows nothing of segments. */
export interface CongestionControl {
  /** How many bytes may be on their way. */
  readonly windowBytes: number;
  /** New data was acknowledged, outside of recovery, while the window was the limit. */
  onAck(ackedBytes: number): void;
  /** A loss was inferred from acknowledgments: recovery begins. */
  onLoss(flightBytes: number): void;
  /** The retransmission timer expired; `isRepeated` for data that had expired before. */
  onTimeout(flightBytes: number, isRepeated: boolean): void;
  /** Nothing was sent for longer than an RTO. */
  onIdle(): void;
}

/** RFC 6928, section 2: min(10 * MSS, max(2 * MSS, 14600)). */
export function initialWindow(mss: number): number {
  return Math.min(INITIAL_WINDOW_SEGMENTS * mss, Math.max(2 * mss, INITIAL_WINDOW_BYTES));
}

/** Slow start, additive increase, and half after a loss. */
export class NewReno implements CongestionControl {
  windowBytes: number;
  readonly #mss: number;
  #slowStartThreshold = Infinity;

  /** `mss` is what one full segment carries. */
  constructor(mss: number) {
    this.#mss = mss;
    this.windowBytes = initialWindow(mss);
  }

  onAck(ackedBytes: number): void {
    if (this.windowBytes < this.#slowStartThreshold) {
      // An acknowledgment of one super-packet stands for all its segments, so bytes are counted (RFC 3465).
      this.windowBytes += ackedBytes;
    } else {
      this.windowBytes += Math.max(1, (this.#mss * ackedBytes) / this.windowBytes);
    }
  }

  onLoss(flightBytes: number): void {
    this.#slowStartThreshold = Math.max(flightBytes / 2, 2 * this.#mss);
    this.windowBytes = this.#slowStartThreshold;
  }

  onTimeout(flightBytes: number, isRepeated: boolean): void {
    // The same loss again says nothing new of the path (RFC 5681, section 3.1).
    if (!isRepeated) this.#slowStartThreshold = Math.max(flightBytes / 2, 2 * this.#mss);
    this.windowBytes = this.#mss;
  }

  onIdle(): void {
    this.windowBytes = Math.min(this.windowBytes, initialWindow(this.#mss));
  }
}

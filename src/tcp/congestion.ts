/**
 * How much may be on its way: what every congestion control answers to, and what all of them begin with
 * (RFC 5681, RFC 6928).
 *
 * @module
 */

import { INITIAL_WINDOW_BYTES, INITIAL_WINDOW_SEGMENTS } from "./constants.ts";

/** Decides the congestion window, in bytes; knows nothing of segments. Times are milliseconds of the caller's clock. */
export interface CongestionControl {
  /** How many bytes may be on their way. */
  readonly windowBytes: number;
  /** New data was acknowledged, outside of fast recovery, while the window was the limit. `rttMs` is the latest round trip, below 0 while none is known. */
  onAck(ackedBytes: number, now: number, rttMs: number): void;
  /** A loss was inferred from acknowledgments: recovery begins. */
  onLoss(flightBytes: number): void;
  /** The retransmission timer expired; `isRepeated` for data that had expired before. */
  onTimeout(flightBytes: number, isRepeated: boolean): void;
  /** Nothing was sent for longer than an RTO. */
  onIdle(): void;
  /** The last loss or timeout was none: all is as it was before, and the window no smaller than it is. */
  undo(): void;
}

/** RFC 6928, section 2: min(10 * MSS, max(2 * MSS, 14600)). */
export function initialWindow(mss: number): number {
  return Math.min(INITIAL_WINDOW_SEGMENTS * mss, Math.max(2 * mss, INITIAL_WINDOW_BYTES));
}

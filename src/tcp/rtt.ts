/**
 * Round-trip time and the retransmission timeout (RFC 6298).
 *
 * @module
 */

import { INITIAL_RTO_MS, MAX_RTO_MS, MIN_RTO_MS, SAFE_RTO_MS } from "./constants.ts";

/** Added for the grain of a real timer: an RTT near zero must not give an RTO of nothing. */
const GRANULARITY_MS = 1;

/** The estimator of one endpoint. All times in milliseconds. */
export class RttEstimator {
  /** Smoothed round-trip time; -1 before the first sample. */
  smoothedMs = -1;
  /** The least that was seen, which is the path without its queues; Infinity before the first sample. */
  leastMs = Infinity;
  #variationMs = 0;
  #backoff = 0;
  #baseMs = INITIAL_RTO_MS;

  /** Takes one measurement; it must not come from a retransmitted segment (Karn). */
  sample(rttMs: number): void {
    const rtt = Math.max(rttMs, 0);
    this.bound(rtt);
    if (this.smoothedMs < 0) {
      this.smoothedMs = rtt;
      this.#variationMs = rtt / 2;
    } else {
      this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.smoothedMs - rtt);
      this.smoothedMs = 0.875 * this.smoothedMs + 0.125 * rtt;
    }
    this.#backoff = 0;
    const rto = this.smoothedMs + Math.max(GRANULARITY_MS, 4 * this.#variationMs);
    this.#baseMs = Math.min(Math.max(rto, MIN_RTO_MS), MAX_RTO_MS);
  }

  /** The round trip is no longer than this: a measure that is too coarse, or too late, for a sample. */
  bound(rttMs: number): void {
    if (rttMs < this.leastMs) this.leastMs = Math.max(rttMs, 0);
  }

  /** The handshake is complete: when its timer had expired, data begins with a safe RTO (RFC 6298, section 5.7). */
  endHandshake(): void {
    if (this.#backoff === 0) return;
    this.#backoff = 0;
    this.#baseMs = SAFE_RTO_MS;
  }

  /** Doubles the timeout after an expiry (RFC 6298, section 5.5). */
  backOff(): void {
    this.#backoff++;
  }

  /**
   * Something new was acknowledged, though it does not tell which copy of it: the path is alive. The doublings stay
   * (Karn), but only up to what RFC 6298, section 5.7, takes as safe without a measurement.
   */
  capBackoff(): void {
    while (this.#backoff > 0 && this.rtoMs > SAFE_RTO_MS) this.#backoff--;
  }

  /** The retransmission timeout, doublings included. */
  get rtoMs(): number {
    return Math.min(this.#baseMs * 2 ** this.#backoff, MAX_RTO_MS);
  }
}

/**
 * Slow start that ends before the queue of the path overflows: when the round trip grows, the window grows by a quarter only, and if that
 * was no accident, slow start is over (HyStart++, RFC 9406).
 *
 * @module
 */

/** RFC 9406, section 4.3. */
const MIN_THRESHOLD_MS = 4;
const MAX_THRESHOLD_MS = 16;
const SAMPLES = 8;
const GROWTH_DIVISOR = 4;
const CONSERVATIVE_ROUNDS = 5;

/** The slow start of one endpoint, up to its first loss. A round is as many bytes as the window held when it began. */
export class SlowStart {
  #roundBytes = 0;
  #samples = 0;
  #lastMinMs = Infinity;
  #minMs = Infinity;
  /** The round trip before it grew; -1 while it has not. */
  #baselineMs = -1;
  #conservativeRounds = 0;

  /** By how much the window grows for an acknowledgment; 0 when slow start is over. `rttMs` is the latest round trip, below 0 when none is known. */
  growth(ackedBytes: number, windowBytes: number, rttMs: number): number {
    if (this.#roundBytes <= 0) this.#beginRound(windowBytes);
    this.#roundBytes -= ackedBytes;
    if (rttMs >= 0) this.#sample(rttMs);
    if (this.#baselineMs < 0) return ackedBytes;
    return this.#conservativeRounds > CONSERVATIVE_ROUNDS ? 0 : ackedBytes / GROWTH_DIVISOR;
  }

  #beginRound(windowBytes: number): void {
    this.#roundBytes = windowBytes;
    this.#lastMinMs = this.#minMs;
    this.#minMs = Infinity;
    this.#samples = 0;
    if (this.#baselineMs >= 0) this.#conservativeRounds++;
  }

  #sample(rttMs: number): void {
    this.#minMs = Math.min(this.#minMs, rttMs);
    if (++this.#samples < SAMPLES) return;
    if (this.#baselineMs >= 0) {
      // It was a jitter of the path.
      if (this.#minMs < this.#baselineMs) this.#baselineMs = -1;
      return;
    }
    const threshold = Math.min(Math.max(this.#lastMinMs / 8, MIN_THRESHOLD_MS), MAX_THRESHOLD_MS);
    if (this.#lastMinMs === Infinity || this.#minMs < this.#lastMinMs + threshold) return;
    this.#baselineMs = this.#minMs;
    this.#conservativeRounds = 1;
  }
}

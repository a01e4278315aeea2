/**
 * A rate with bursts, as RFC 4443, section 2.4 f describes it.
 *
 * @module
 */

/** As many tokens as one second earns. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #refilledAt = 0;

  /** A full bucket. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Takes a token; false when there is none. */
  take(now: number): boolean {
    const earned = ((now - this.#refilledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#tokens + earned, this.#perSecond);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

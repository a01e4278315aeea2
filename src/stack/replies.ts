/**
 * Answers that belong to no flow wait here for the device; those that anybody can provoke are limited in rate.
 *
 * @module
 */

/** The bounded queue of answers, and the rate of those that nobody asked for. */
export class Replies {
  readonly #packets: Uint8Array[] = [];
  readonly #capacity: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledAt = 0;

  /** See `Limits.replies` and `Limits.repliesPerSecond`. */
  constructor(capacity: number, perSecond: number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Whether one more unasked-for answer is within the rate. */
  allows(now: number): boolean {
    const earned = ((now - this.#refilledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#tokens + earned, this.#perSecond);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Queues an answer; false when the queue is full. */
  push(packet: Uint8Array): boolean {
    if (this.#packets.length >= this.#capacity) return false;
    this.#packets.push(packet);
    return true;
  }

  /** Takes the answer that waits longest. */
  shift(): Uint8Array | undefined {
    return this.#packets.shift();
  }
}

/**
 * Counting what is open, in all and for each client.
 *
 * @module
 */

/** A counter with a bound for all and a bound for each key. Keys without a count are forgotten, so the table is bounded too. */
export class Tally {
  readonly #limit: number;
  readonly #limitPerKey: number;
  readonly #byKey = new Map<string, number>();
  #total = 0;

  /** Bounds are inclusive. */
  constructor(limit: number, limitPerKey: number) {
    this.#limit = limit;
    this.#limitPerKey = limitPerKey;
  }

  /** How many are taken. */
  get total(): number {
    return this.#total;
  }

  /** Takes one and returns how to give it back, which may be called twice; `undefined` when a bound is reached. */
  take(key: string): (() => void) | undefined {
    const count = this.#byKey.get(key) ?? 0;
    if (this.#total >= this.#limit || count >= this.#limitPerKey) return undefined;
    this.#total++;
    this.#byKey.set(key, count + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#total--;
      const left = this.#byKey.get(key)! - 1;
      if (left === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
    };
  }
}

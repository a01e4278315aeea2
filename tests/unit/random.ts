/** Repeatable chance for tests: print the seed, and a failure comes back. */

/** Numbers in [0, 1) from a seed (mulberry32, public domain by Tommy Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Small things that generators are made of. */
export interface Dice {
  /** An integer from 0 to `sides` - 1. */
  int(sides: number): number;
  /** One of the values. */
  pick<T>(values: readonly T[]): T;
  /** `length` bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** Dice that always fall the same way for one seed. */
export function seededDice(seed: number): Dice {
  const random = seededRandom(seed);
  const int = (sides: number) => Math.floor(random() * sides);
  return {
    int,
    pick: (values) => values[int(values.length)],
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  };
}

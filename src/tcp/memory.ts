/**
 * The bytes that all flows of a stack hold together, and how much of them one flow may have.
 *
 * Each may hold a quarter of what is free (dynamic queue thresholds: Choudhury and Hahne, 1998). One flow among few never feels it; the
 * more of them hold much, the less each may hold, and there is always something left for the next one. No flow has to be told when others
 * give memory back: it looks whenever something of its own moves.
 *
 * @module
 */

import { RESERVED_BYTES } from "./constants.ts";

/** The share of what is free. */
const SHARE = 1 / 4;

/** Whose bytes are counted. */
export interface Holder {
  heldBytes: number;
}

/** The common memory of some endpoints. Invariant: `usedBytes` is the sum of their `heldBytes`. */
export class Memory {
  readonly #limitBytes: number;
  #usedBytes = 0;

  /** `limitBytes` is what all may hold together, but for what is reserved for each. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** What they hold. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** One of them holds so much from here on. */
  hold(holder: Holder, bytes: number): void {
    this.#usedBytes += bytes - holder.heldBytes;
    holder.heldBytes = bytes;
  }

  /** What one queue of one flow may hold at this moment. */
  get share(): number {
    return Math.max((this.#limitBytes - this.#usedBytes) * SHARE, RESERVED_BYTES);
  }

  /** Whether a queue that holds `held` may keep `bytes` more: always while that is little, or one packet, so that no other flow can stop it. */
  mayKeep(bytes: number, held: number): boolean {
    return held === 0 || this.#usedBytes + bytes <= this.#limitBytes ||
      held + bytes <= RESERVED_BYTES;
  }
}

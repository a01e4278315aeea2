/**
 * The dynamic table of an HPACK decoder (RFC 7541, sections 2.3.2 and 4): the peer's latest fields, newest first, bounded in size.
 *
 * @module
 */

import { type Field, fieldSize } from "../../fields/field.ts";

/** A table of at most so many bytes, as section 4.1 counts them. */
export class DynamicTable {
  readonly #entries: Field[] = [];
  #size = 0;
  #maxSize: number;

  /** Empty, with room for `maxSize`. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Bytes that its entries count, never above the maximum. */
  get size(): number {
    return this.#size;
  }

  /** The entry at `index`, 0 for the newest. */
  at(index: number): Field | undefined {
    return this.#entries[index];
  }

  /** Inserts; what has no room any more goes, and a field larger than the table empties it (section 4.4). */
  insert(field: Field): void {
    const size = fieldSize(field);
    this.#shrink(this.#maxSize - size);
    if (size > this.#maxSize) return;
    this.#entries.unshift(field);
    this.#size += size;
  }

  /** Gives it another maximum (section 4.3). */
  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#shrink(maxSize);
  }

  #shrink(target: number): void {
    while (this.#size > target && this.#entries.length > 0) {
      this.#size -= fieldSize(this.#entries.pop()!);
    }
  }
}

/**
 * Which of many was used last, and which has to give way: a list through the entries themselves, so that a use costs a few assignments.
 *
 * @module
 */

/** An entry of such a list. */
export interface Linked<E> {
  older: E | undefined;
  newer: E | undefined;
}

/** Entries in the order of their last use. */
export class Recency<E extends Linked<E>> {
  #oldest: E | undefined;
  #newest: E | undefined;

  /** The one that was not used for longest; undefined when there is none. */
  get oldest(): E | undefined {
    return this.#oldest;
  }

  /** Adds an entry, as the one that was used last. */
  add(entry: E): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  /** Takes an entry out. */
  remove(entry: E): void {
    const { older, newer } = entry;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    entry.older = entry.newer = undefined;
  }

  /** The entry is used. */
  use(entry: E): void {
    if (entry === this.#newest) return;
    this.remove(entry);
    this.add(entry);
  }
}

/**
 * Datagrams of a program that wait for somebody to take them. Late is worse than lost, so a full queue drops its oldest.
 *
 * @module
 */

/** What may wait in one association. */
export interface WaitingBounds {
  readonly waitingDatagrams: number;
  readonly waitingBytes: number;
}

/** The queue. It counts what it drops. */
export class WaitingDatagrams {
  readonly #bounds: WaitingBounds;
  readonly #datagrams: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #dropped = 0;

  /** Nothing waits yet. */
  constructor(bounds: WaitingBounds) {
    this.#bounds = bounds;
  }

  /** How many wait. */
  get length(): number {
    return this.#datagrams.length;
  }

  /** How many were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a copy of `bytes[start..end)`. Gives how many were dropped for it: older ones, or itself when it alone is too large. */
  push(bytes: Uint8Array, start: number, end: number): number {
    const { waitingDatagrams, waitingBytes } = this.#bounds;
    const before = this.#dropped;
    this.#datagrams.push(bytes.slice(start, end) as Uint8Array<ArrayBuffer>);
    this.#bytes += end - start;
    while (this.#datagrams.length > waitingDatagrams || this.#bytes > waitingBytes) {
      this.shift();
      this.#dropped++;
    }
    return this.#dropped - before;
  }

  /** Takes the one that waits longest; undefined when none does. */
  shift(): Uint8Array<ArrayBuffer> | undefined {
    const datagram = this.#datagrams.shift();
    if (datagram !== undefined) this.#bytes -= datagram.length;
    return datagram;
  }
}

/**
 * Datagrams of a program that wait for somebody to take them. Late is worse than lost, so a full queue drops its oldest, and so do all queues
 * together.
 *
 * @module
 */

/** What may wait in one association. */
export interface WaitingBounds {
  readonly waitingDatagrams: number;
  readonly waitingBytes: number;
}

/** What a datagram that waits costs beside its payload, so that empty ones are bounded, too. */
const OVERHEAD_BYTES = 128;

/** One that waits, in its queue and in the order of all. */
interface Datagram {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly queue: WaitingDatagrams;
  older: Datagram | undefined;
  newer: Datagram | undefined;
}

/** All that wait, in all associations of a stack, in the order in which they came. */
export class AllWaiting {
  readonly #maxBytes: number;
  #bytes = 0;
  #oldest: Datagram | undefined;
  #newest: Datagram | undefined;

  /** At most `maxBytes` bytes of payload and of what it costs to keep them. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes at the moment. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the newest. Gives how many gave way, from whichever queue. */
  add(datagram: Datagram): number {
    datagram.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = datagram;
    else this.#newest.newer = datagram;
    this.#newest = datagram;
    this.#bytes += datagram.payload.length + OVERHEAD_BYTES;
    let dropped = 0;
    for (; this.#bytes > this.#maxBytes; dropped++) this.#oldest!.queue.drop();
    return dropped;
  }

  /** Takes one out. */
  remove({ payload, older, newer }: Datagram): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    this.#bytes -= payload.length + OVERHEAD_BYTES;
  }
}

/** The queue of one association. It counts what it drops. */
export class WaitingDatagrams {
  readonly #bounds: WaitingBounds;
  readonly #all: AllWaiting;
  readonly #datagrams: Datagram[] = [];
  #bytes = 0;
  #dropped = 0;

  /** Nothing waits yet; `all` bounds what waits together. */
  constructor(bounds: WaitingBounds, all: AllWaiting) {
    this.#bounds = bounds;
    this.#all = all;
  }

  /** How many wait. */
  get length(): number {
    return this.#datagrams.length;
  }

  /** How many were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a copy of `bytes[start..end)`. Gives how many were dropped for it, here and elsewhere: older ones, or itself when it alone is too large. */
  push(bytes: Uint8Array, start: number, end: number): number {
    const { waitingDatagrams, waitingBytes } = this.#bounds;
    const payload = bytes.slice(start, end) as Uint8Array<ArrayBuffer>;
    const datagram = { payload, queue: this, older: undefined, newer: undefined };
    this.#datagrams.push(datagram);
    this.#bytes += end - start;
    let dropped = this.#all.add(datagram);
    while (this.#datagrams.length > waitingDatagrams || this.#bytes > waitingBytes) {
      this.drop();
      dropped++;
    }
    return dropped;
  }

  /** Takes the one that waits longest; undefined when none does. */
  shift(): Uint8Array<ArrayBuffer> | undefined {
    const datagram = this.#datagrams.shift();
    if (datagram === undefined) return undefined;
    this.#all.remove(datagram);
    this.#bytes -= datagram.payload.length;
    return datagram.payload;
  }

  /** Gives up the one that waits longest. */
  drop(): void {
    this.shift();
    this.#dropped++;
  }

  /** Gives up all: nobody will take them. */
  clear(): void {
    while (this.shift() !== undefined);
  }
}

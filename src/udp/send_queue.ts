/**
 * Datagrams on their way to programs, in one piece of memory: nothing is allocated for one, and those of one association that follow each
 * other lie side by side, so that one copy makes a super-packet of them. A full queue drops its oldest.
 *
 * @module
 */

/** What an idle stack holds on to. */
const INITIAL_BYTES = 16 * 1024;

/** Spent entries are cut off in pieces: cutting each off alone would move all others. */
const COMPACT_FROM = 1024;

/** The queue. `T` is whom a datagram belongs to. */
export class SendQueue<T> {
  readonly #maxBytes: number;
  #buffer = new Uint8Array(INITIAL_BYTES);
  /** What waits stands at `#buffer[#start..#end)`. */
  #start = 0;
  #end = 0;
  readonly #owners: T[] = [];
  readonly #lengths: number[] = [];
  /** Where the oldest stands in these two. */
  #first = 0;

  /** `maxBytes` bounds what waits; the buffer behind it is at most twice as large. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many wait. */
  get length(): number {
    return this.#lengths.length - this.#first;
  }

  /** Whose the oldest is; undefined when nothing waits. */
  get owner(): T | undefined {
    return this.#owners[this.#first];
  }

  /** Bytes of the oldest's payload. */
  get size(): number {
    return this.#lengths[this.#first];
  }

  /** Adds a copy of a payload. `onDropped` hears whose datagrams had to give way. */
  push(owner: T, payload: Uint8Array, onDropped: (owner: T) => void): void {
    const { length } = payload;
    if (length > this.#maxBytes) return onDropped(owner);
    while (this.#end - this.#start + length > this.#maxBytes) {
      onDropped(this.#owners[this.#first]);
      this.#advance(1, this.size);
    }
    if (this.#end + length > this.#buffer.length) this.#makeRoom(length);
    this.#buffer.set(payload, this.#end);
    this.#end += length;
    this.#owners.push(owner);
    this.#lengths.push(length);
  }

  /**
   * How many bytes of payload, from the oldest on, belong to one owner and make one super-packet: all pieces but the last are as long
   * as the first. At most `maxBytes` bytes, in `maxPieces` pieces.
   */
  runBytes(maxBytes: number, maxPieces: number): number {
    const { owner, size } = this;
    let total = size;
    const stop = Math.min(this.#first + maxPieces, this.#lengths.length);
    for (let i = this.#first + 1; i < stop && size > 0; i++) {
      const next = this.#lengths[i];
      if (this.#owners[i] !== owner || next > size || next === 0) break;
      if (total + next > maxBytes) break;
      total += next;
      if (next < size) break;
    }
    return total;
  }

  /** Takes `bytes` bytes of whole datagrams to `into[at..)`. */
  take(bytes: number, into: Uint8Array, at: number): void {
    into.set(this.#buffer.subarray(this.#start, this.#start + bytes), at);
    const { size } = this;
    this.#advance(size === 0 ? 1 : Math.ceil(bytes / size), bytes);
  }

  #advance(count: number, bytes: number): void {
    this.#start += bytes;
    this.#first += count;
    if (this.#first === this.#lengths.length) {
      this.#start = this.#end = this.#first = 0;
      this.#owners.length = this.#lengths.length = 0;
    } else if (this.#first >= COMPACT_FROM && this.#first * 2 > this.#lengths.length) {
      this.#owners.splice(0, this.#first);
      this.#lengths.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Moves what waits to the front, in a larger buffer where it needs more than half of this one. */
  #makeRoom(length: number): void {
    const waiting = this.#end - this.#start;
    const wanted = 2 * (waiting + length);
    const old = this.#buffer;
    if (wanted > old.length) this.#buffer = new Uint8Array(Math.min(wanted, 2 * this.#maxBytes));
    this.#buffer.set(old.subarray(this.#start, this.#end));
    this.#start = 0;
    this.#end = waiting;
  }
}

/**
 * Bytes on their way to the program: kept until acknowledged, copied once, into the packet.
 *
 * @module
 */

/** Writes below this are gathered, so that the number of chunks stays in proportion to the bytes. */
const SMALL_BYTES = 2048;
const GATHER_BYTES = 16_384;
const EMPTY = new Uint8Array(0);

/** A queue of chunks whose first byte is SND.UNA. */
export class SendQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  /** Bytes of the head chunk that are already acknowledged. */
  #acknowledged = 0;
  #length = 0;
  /** Room left behind the last chunk, when that is a buffer of ours. */
  #room: Uint8Array = EMPTY;
  /** The chunk that the last copy touched, and its distance from SND.UNA: transmission is sequential, so the next copy starts there. */
  #cursorChunk = 0;
  #cursorOffset = 0;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Appends a chunk, which belongs to the queue from then on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    if (chunk.length <= this.#room.length) return this.#gather(chunk);
    this.#room = EMPTY;
    if (chunk.length < SMALL_BYTES && this.#head < this.#chunks.length) {
      this.#room = new Uint8Array(GATHER_BYTES);
      this.#chunks.push(this.#room.subarray(0, 0));
      return this.#gather(chunk);
    }
    // A small view of a large buffer is copied, so that it does not keep the large one alive.
    this.#chunks.push(chunk.length * 4 < chunk.buffer.byteLength ? chunk.slice() : chunk);
  }

  #gather(chunk: Uint8Array): void {
    const last = this.#chunks.length - 1;
    const tail = this.#chunks[last];
    this.#room.set(chunk);
    this.#room = this.#room.subarray(chunk.length);
    this.#chunks[last] = new Uint8Array(tail.buffer, 0, tail.length + chunk.length);
  }

  /** Forgets the first `count` bytes: they are acknowledged. */
  drop(count: number): void {
    if (count === this.#length) return this.clear();
    this.#length -= count;
    this.#cursorOffset -= count;
    let left = count + this.#acknowledged;
    while (left >= this.#chunks[this.#head].length) {
      left -= this.#chunks[this.#head].length;
      this.#chunks[this.#head++] = EMPTY;
    }
    this.#acknowledged = left;
    if (this.#head > 64 && this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#cursorChunk -= this.#head;
      this.#head = 0;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#head = 0;
    this.#acknowledged = 0;
    this.#length = 0;
    this.#room = EMPTY;
    this.#cursorChunk = 0;
    this.#cursorOffset = 0;
  }

  /** Copies `length` bytes that start `offset` bytes into the queue to `target[at..]`. */
  copy(offset: number, length: number, target: Uint8Array, at: number): void {
    if (length === 0) return;
    let chunk = this.#cursorChunk;
    let start = this.#cursorOffset;
    if (chunk < this.#head || offset < start) {
      chunk = this.#head;
      start = -this.#acknowledged;
    }
    while (offset >= start + this.#chunks[chunk].length) start += this.#chunks[chunk++].length;
    this.#cursorChunk = chunk;
    this.#cursorOffset = start;
    let skip = offset - start;
    while (length > 0) {
      const source = this.#chunks[chunk++];
      const count = Math.min(source.length - skip, length);
      target.set(count === source.length ? source : source.subarray(skip, skip + count), at);
      at += count;
      length -= count;
      skip = 0;
    }
  }
}

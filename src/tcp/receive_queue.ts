/**
 * Bytes from the program, in order, that nobody has read yet: copied once, out of the packet.
 *
 * @module
 */

/** One chunk of a stream; also what one super-packet brings. */
const CHUNK_BYTES = 65_536;

/** A queue of chunks. Its length is bounded by the receive window that its owner advertises. */
export class ReceiveQueue {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes filled in the last chunk. */
  #filled = 0;
  #length = 0;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  /** Copies `bytes[start..end)` to the end of the queue. */
  push(bytes: Uint8Array, start: number, end: number): void {
    this.#length += end - start;
    while (start < end) {
      let last = this.#chunks.at(-1);
      if (last === undefined || this.#filled === last.length) {
        // The first chunk is exact, since it is mostly read at once; behind a slow reader chunks are filled up.
        const size = last === undefined ? Math.min(end - start, CHUNK_BYTES) : CHUNK_BYTES;
        last = new Uint8Array(size);
        this.#chunks.push(last);
        this.#filled = 0;
      }
      const count = Math.min(end - start, last.length - this.#filled);
      last.set(bytes.subarray(start, start + count), this.#filled);
      this.#filled += count;
      start += count;
    }
  }

  /** Takes the first chunk; undefined when the queue is empty. It belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    const isLast = this.#chunks.length === 0;
    const bytes = isLast ? chunk.subarray(0, this.#filled) : chunk;
    if (isLast) {
      this.#filled = 0;
      this.#chunks.length = 0; // which gives back what the array had room for
    }
    this.#length -= bytes.length;
    return bytes;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#filled = 0;
    this.#length = 0;
  }
}

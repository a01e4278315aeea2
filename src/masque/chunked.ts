/**
 * The chunked transfer coding of HTTP/1.1 (RFC 9112, section 7.1), sans-IO: a body of unknown length in one direction.
 *
 * Strict where two readers could disagree about where the body ends: a bare LF, a sign, a space before the size and a size beyond 2^48 are
 * faults. Extensions and trailer fields are read away; they are bounded.
 *
 * @module
 */

/** What is wrong with the body: half a sentence that begins with "it". */
export type ChunkedFault = string;

const CR = 0x0d;
const LF = 0x0a;

/** A size line or a trailer line longer than this is an attack: nobody needs extensions. */
const MAX_LINE_BYTES = 1_024;

/** All trailer lines together; nobody reads them. */
const MAX_TRAILER_BYTES = 8_192;

/** A size in hexadecimal, and an extension that is not looked at. Twelve digits are exact as a number. */
const SIZE_LINE = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;

/** Takes a body apart. After `isOver` or a fault it takes no more. */
export class ChunkedDecoder {
  #state: "size" | "data" | "after-data" | "trailer" | "over" = "size";
  #line = "";
  #left = 0;
  #trailerBytes = 0;
  #fault: ChunkedFault | undefined;

  /** Whether the last chunk and the trailer have come whole. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /**
   * Feeds bytes and hands those of the body to `take`, in views; what stands behind the body is left alone.
   *
   * @example A body in two chunks
   * ```ts
   * import { ChunkedDecoder } from "./chunked.ts";
   *
   * const decoder = new ChunkedDecoder();
   * let body = "";
   * const wire = new TextEncoder().encode("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
   * decoder.push(wire, (bytes) => body += new TextDecoder().decode(bytes));
   * if (body !== "abc" || !decoder.isOver) throw new Error("unexpected");
   * ```
   */
  push(
    bytes: Uint8Array<ArrayBuffer>,
    take: (bytes: Uint8Array<ArrayBuffer>) => void,
  ): ChunkedFault | undefined {
    for (let at = 0; at < bytes.length && this.#fault === undefined && !this.isOver;) {
      if (this.#state !== "data") {
        at = this.#takeLine(bytes, at);
        continue;
      }
      const count = Math.min(this.#left, bytes.length - at);
      take(bytes.subarray(at, at + count));
      at += count;
      this.#left -= count;
      if (this.#left === 0) this.#state = "after-data";
    }
    return this.#fault;
  }

  #takeLine(bytes: Uint8Array, at: number): number {
    while (at < bytes.length) {
      const byte = bytes[at++];
      if (byte === LF) {
        if (!this.#line.endsWith("\r")) this.#fault = "it has a bare LF";
        else this.#endLine(this.#line.slice(0, -1));
        this.#line = "";
        break;
      }
      if (this.#line.endsWith("\r")) this.#fault = "it has a bare CR";
      else if (this.#line.length === MAX_LINE_BYTES) this.#fault = "it has too long a line";
      if (this.#fault !== undefined) break;
      this.#line += String.fromCharCode(byte);
    }
    return at;
  }

  #endLine(line: string): void {
    if (this.#state === "after-data") {
      if (line !== "") this.#fault = "it has bytes behind a chunk";
      this.#state = "size";
    } else if (this.#state === "size") {
      const size = SIZE_LINE.exec(line);
      if (size === null) this.#fault = "it has a malformed size of a chunk";
      this.#left = parseInt(size?.[1] ?? "0", 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (line === "") {
      this.#state = "over";
    } else if ((this.#trailerBytes += line.length) > MAX_TRAILER_BYTES) {
      this.#fault = "it has too long a trailer";
    }
  }
}

/** The last chunk, without a trailer. */
export const LAST_CHUNK: Uint8Array<ArrayBuffer> = Uint8Array.of(0x30, CR, LF, CR, LF);

/** One chunk with a copy of `bytes`, which may not be empty: that would be the end. */
export function encodeChunk(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) throw new RangeError("Cannot send an empty chunk: it would end the body");
  const size = bytes.length.toString(16);
  const chunk = new Uint8Array(size.length + 2 + bytes.length + 2);
  for (let i = 0; i < size.length; i++) chunk[i] = size.charCodeAt(i);
  const at = size.length + 2;
  chunk.set([CR, LF], at - 2);
  chunk.set(bytes, at);
  chunk.set([CR, LF], at + bytes.length);
  return chunk;
}

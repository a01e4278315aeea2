/**
 * Frames (RFC 9114, section 7.1): a stream of (type, length, payload), out of bytes that come as they please.
 *
 * Payload of DATA is passed on in the pieces in which it comes and never kept. Other known types are collected up to a bound. What nobody
 * knows is skipped, however long it says it is (section 9).
 *
 * @module
 */

import { ERROR, fault, type H3Fault, HTTP2_FRAMES } from "./codes.ts";
import { getVarint, setVarint, varintLength, varintLengthAt } from "../varint.ts";

/** Two variable-length integers. */
const MAX_HEADER_BYTES = 16;

/** What to do with frames. */
export interface FrameRules {
  /** The longest payload to collect, -1 to skip the frame, `pieces` to have it as it comes; or what is wrong with its being here. */
  begin(type: number, length: number): number | "pieces" | H3Fault;
  /** A whole collected frame; a view where a chunk held all of it. */
  frame(type: number, payload: Uint8Array<ArrayBuffer>): H3Fault | undefined;
  /** A piece of a frame that was to come in pieces, never empty; a view. */
  piece?(bytes: Uint8Array<ArrayBuffer>): H3Fault | undefined;
}

/** Takes a stream apart. After a fault it takes no more. */
export class FrameReader {
  readonly #rules: FrameRules;
  /** Bytes of a header that came in pieces. */
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerLength = 0;
  #type = 0;
  #mode: "header" | "skip" | "pieces" | "collect" = "header";
  /** Payload still to come; can be `Infinity`. */
  #left = 0;
  #payload: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #fault: H3Fault | undefined;

  /** `rules` says which types are known. */
  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /** Whether the stream may end here: between two frames. */
  get isAtBoundary(): boolean {
    return this.#mode === "header" && this.#headerLength === 0;
  }

  /**
   * Feeds one chunk and hands its frames to the rules, in order.
   *
   * @example One frame in two chunks
   * ```ts
   * import { FrameReader } from "./frame_reader.ts";
   *
   * const pieces: Uint8Array[] = [];
   * const reader = new FrameReader({
   *   begin: () => "pieces",
   *   frame: () => undefined,
   *   piece: (bytes) => void pieces.push(bytes),
   * });
   * reader.push(new Uint8Array([0, 3, 7]));
   * reader.push(new Uint8Array([8, 9]));
   * if (pieces.join() !== "7,8,9" || !reader.isAtBoundary) throw new Error("unexpected");
   * ```
   */
  push(chunk: Uint8Array<ArrayBuffer>): H3Fault | undefined {
    for (let at = 0; this.#fault === undefined && at < chunk.length;) {
      at = this.#mode === "header" ? this.#takeHeader(chunk, at) : this.#takePayload(chunk, at);
    }
    return this.#fault;
  }

  /** Whole headers are read where they stand; the bytes of one that is cut off wait. */
  #takeHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerLength === 0) {
      const lengthAt = at + varintLengthAt(chunk[at]);
      const end = lengthAt < chunk.length ? lengthAt + varintLengthAt(chunk[lengthAt]) : Infinity;
      if (end <= chunk.length) {
        this.#begin(getVarint(chunk, at), getVarint(chunk, lengthAt));
        return end;
      }
    }
    const header = this.#header;
    header[this.#headerLength++] = chunk[at];
    const lengthAt = varintLengthAt(header[0]);
    const isWhole = this.#headerLength > lengthAt &&
      this.#headerLength === lengthAt + varintLengthAt(header[lengthAt]);
    if (isWhole) {
      this.#headerLength = 0;
      this.#begin(getVarint(header, 0), getVarint(header, lengthAt));
    }
    return at + 1;
  }

  #begin(type: number, length: number): void {
    if (HTTP2_FRAMES.has(type)) {
      this.#fault = fault(ERROR.FRAME_UNEXPECTED, `it sends a frame of HTTP/2, type ${type}`);
      return;
    }
    const wanted = this.#rules.begin(type, length);
    if (typeof wanted === "object") {
      this.#fault = wanted;
    } else if (wanted === "pieces") {
      if (length > 0) this.#mode = "pieces";
    } else if (wanted < 0) {
      if (length > 0) this.#mode = "skip";
    } else if (length > wanted) {
      const reason = `it sends a frame of type ${type} with more than ${wanted} bytes`;
      this.#fault = fault(ERROR.EXCESSIVE_LOAD, reason);
    } else if (length === 0) {
      this.#fault = this.#rules.frame(type, new Uint8Array(0));
    } else {
      this.#mode = "collect";
      this.#payload = new Uint8Array(0);
    }
    this.#type = type;
    this.#left = length;
  }

  #takePayload(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    const count = Math.min(this.#left, chunk.length - at);
    const piece = chunk.subarray(at, at + count);
    this.#left -= count;
    const mode = this.#mode;
    if (this.#left === 0) this.#mode = "header";
    if (mode === "pieces") this.#fault = this.#rules.piece?.(piece);
    else if (mode === "collect") this.#collect(piece);
    return at + count;
  }

  #collect(piece: Uint8Array<ArrayBuffer>): void {
    const isFirst = this.#payload.length === 0;
    if (this.#left === 0 && isFirst) {
      this.#fault = this.#rules.frame(this.#type, piece);
      return;
    }
    // Room for what is announced is taken once its first byte is there; the rules have bounded it.
    const filled = isFirst ? 0 : this.#payload.length - this.#left - piece.length;
    if (isFirst) this.#payload = new Uint8Array(piece.length + this.#left);
    this.#payload.set(piece, filled);
    if (this.#left > 0) return;
    const whole = this.#payload;
    this.#payload = new Uint8Array(0);
    this.#fault = this.#rules.frame(this.#type, whole);
  }
}

/** Bytes of the longest frame header that we write: one byte of type, eight of length. */
export const MAX_FRAME_HEADER_BYTES = 16;

/** Writes the header of a frame at `offset` and returns the offset of its payload. */
export function setFrameHeader(
  bytes: Uint8Array,
  offset: number,
  type: number,
  length: number,
): number {
  return setVarint(bytes, setVarint(bytes, offset, type), length);
}

/** A whole frame. */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = varintLength(type) + varintLength(payload.length);
  const bytes = new Uint8Array(start + payload.length);
  setFrameHeader(bytes, 0, type, payload.length);
  bytes.set(payload, start);
  return bytes;
}

/**
 * The beginning of a DATA frame whose one byte never comes. A stream that ends behind it has been cut off, whatever the transport calls its end:
 * this is what a runtime that has no RESET_STREAM can say (section 7.1).
 */
export const CUT_OFF: Uint8Array<ArrayBuffer> = new Uint8Array([0, 1]);

/**
 * Frames (RFC 9113, section 4.1) out of bytes that come as they please.
 *
 * Payload of DATA is passed on in the pieces in which it comes, without its padding, and never kept. Other known types are collected, which the
 * largest frame that we take bounds. What nobody knows is skipped.
 *
 * @module
 */

import { getU32 } from "../../bytes.ts";
import { ERROR, fault, FLAG, FRAME, FRAME_HEADER_BYTES, type H2Fault } from "./codes.ts";
import { checkShape, type FrameHeader } from "./frame_shapes.ts";

/** What to do with frames. The header is the same object each time. */
export interface FrameRules {
  /** A frame begins, whose type is known and whose shape is right. */
  begin(header: FrameHeader): H2Fault | undefined;
  /** A piece of DATA, never empty; a view. */
  piece(header: FrameHeader, bytes: Uint8Array<ArrayBuffer>): H2Fault | undefined;
  /** The end of a frame; the payload of every type but DATA, a view where a chunk held all of it. */
  frame(header: FrameHeader, payload: Uint8Array<ArrayBuffer>): H2Fault | undefined;
}

const EMPTY = new Uint8Array(0);

/** Payload is, in this order, the length of the padding, what is wanted, and the padding. */
type Mode = "header" | "pad length" | "pieces" | "collect" | "skip";

/** Takes a connection apart. After a fault it takes no more. */
export class FrameReader {
  readonly #rules: FrameRules;
  readonly #maxFrameBytes: number;
  /** Bytes of a header that came in pieces. */
  readonly #partial = new Uint8Array(FRAME_HEADER_BYTES);
  #partialLength = 0;
  readonly #header = { length: 0, type: 0, flags: 0, streamId: 0 };
  #mode: Mode = "header";
  /** Bytes to come of what the mode takes, and of the padding of DATA behind them. */
  #left = 0;
  #padding = 0;
  #payload: Uint8Array<ArrayBuffer> = EMPTY;
  #fault: H2Fault | undefined;

  /** Frames may be as long as `maxFrameBytes`. */
  constructor(rules: FrameRules, maxFrameBytes: number) {
    this.#rules = rules;
    this.#maxFrameBytes = maxFrameBytes;
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
   *   begin: () => undefined,
   *   piece: (_header, bytes) => void pieces.push(bytes),
   *   frame: () => undefined,
   * }, 16_384);
   * reader.push(new Uint8Array([0, 0, 2, 0, 0, 0, 0, 0, 1, 7]));
   * reader.push(new Uint8Array([8]));
   * if (pieces.join() !== "7,8") throw new Error("unexpected");
   * ```
   */
  push(chunk: Uint8Array<ArrayBuffer>): H2Fault | undefined {
    for (let at = 0; this.#fault === undefined && at < chunk.length;) {
      at = this.#mode === "header" ? this.#takeHeader(chunk, at) : this.#takePayload(chunk, at);
    }
    return this.#fault;
  }

  /** Whole headers are read where they stand; the bytes of one that is cut off wait. */
  #takeHeader(chunk: Uint8Array, at: number): number {
    if (this.#partialLength === 0 && at + FRAME_HEADER_BYTES <= chunk.length) {
      this.#begin(chunk, at);
      return at + FRAME_HEADER_BYTES;
    }
    this.#partial[this.#partialLength++] = chunk[at];
    if (this.#partialLength === FRAME_HEADER_BYTES) {
      this.#partialLength = 0;
      this.#begin(this.#partial, 0);
    }
    return at + 1;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const header = this.#header;
    header.length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    header.type = bytes[at + 3];
    header.flags = bytes[at + 4];
    header.streamId = getU32(bytes, at + 5) & 0x7fff_ffff;
    this.#fault = checkShape(header, this.#maxFrameBytes);
    if (this.#fault !== undefined) return;
    const isKnown = header.type <= FRAME.CONTINUATION;
    if (isKnown) this.#fault = this.#rules.begin(header);
    if (this.#fault !== undefined) return;
    this.#left = header.length;
    this.#padding = 0;
    if (!isKnown) this.#enter("skip");
    else if (header.type !== FRAME.DATA) this.#enter("collect");
    else this.#enter(header.flags & FLAG.PADDED ? "pad length" : "pieces");
  }

  /** Begins to take what is left in this mode; nothing left is the end of it. */
  #enter(mode: Mode): void {
    this.#mode = mode;
    if (mode === "pad length" && this.#left === 0) {
      this.#fault = fault(ERROR.FRAME_SIZE_ERROR, "it pads DATA that has no room for it");
    } else if (this.#left === 0) this.#finish(EMPTY);
  }

  #takePayload(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    if (this.#mode === "pad length") {
      this.#padding = chunk[at];
      this.#left -= 1 + this.#padding;
      // RFC 9113, section 6.1: as long as the rest, or longer.
      if (this.#left < 0) this.#fault = fault(ERROR.PROTOCOL_ERROR, "it pads DATA beyond its end");
      else this.#enter("pieces");
      return at + 1;
    }
    const piece = chunk.subarray(at, Math.min(at + this.#left, chunk.length));
    this.#left -= piece.length;
    if (this.#mode === "pieces") {
      this.#fault = this.#rules.piece(this.#header, piece);
      if (this.#left === 0 && this.#fault === undefined) this.#finish(EMPTY);
    } else if (this.#mode === "collect") this.#collect(piece);
    else if (this.#left === 0) this.#finish(EMPTY);
    return at + piece.length;
  }

  #collect(piece: Uint8Array<ArrayBuffer>): void {
    const isFirst = this.#payload.length === 0;
    if (this.#left === 0 && isFirst) return this.#finish(piece);
    // Room for what is announced is taken once its first byte is there; the largest frame bounds it.
    const filled = isFirst ? 0 : this.#payload.length - this.#left - piece.length;
    if (isFirst) this.#payload = new Uint8Array(piece.length + this.#left);
    this.#payload.set(piece, filled);
    if (this.#left > 0) return;
    const whole = this.#payload;
    this.#payload = EMPTY;
    this.#finish(whole);
  }

  #finish(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#mode === "pieces" && this.#padding > 0) {
      this.#left = this.#padding;
      this.#padding = 0;
      this.#mode = "skip";
      return; // the frame ends behind its padding
    }
    this.#mode = "header";
    if (this.#header.type <= FRAME.CONTINUATION) {
      this.#fault = this.#rules.frame(this.#header, payload);
    }
  }
}

/**
 * DNS over a stream: each message behind two bytes of length (RFC 1035, section 4.2.2; RFC 7766, section 8).
 *
 * @module
 */

import { concatBytes, getU16, setU16 } from "../bytes.ts";
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH } from "./message.ts";

const LENGTH_BYTES = 2;

/** Why a stream is no DNS stream: a message that is shorter than a header, or longer than allowed. */
export type StreamDropReason = "dns-stream-short-message" | "dns-stream-long-message";

/**
 * Cuts a stream into messages, whatever its chunks are. At most one message and its length are kept, so the memory is
 * bounded by the longest message allowed.
 */
export class MessageSplitter {
  readonly #maxLength: number;
  /** What has come of the next message, joined only once it is whole: small chunks do not cost a copy of all before them. */
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;
  /** How many bytes there have to be before anything more can be said. */
  #needed = LENGTH_BYTES;
  #failed: StreamDropReason | undefined;

  /** `maxLength` bounds a message, in bytes; by default by what the length field can say. */
  constructor(maxLength = MAX_MESSAGE_LENGTH) {
    this.#maxLength = maxLength;
  }

  /** Whether the stream may end here: no message has begun. */
  get isAtBoundary(): boolean {
    return this.#length === 0;
  }

  /**
   * Takes the next chunk and returns the messages it completes, copies each. A drop reason means that the stream cannot
   * be followed any further, and every later push says so again.
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] | StreamDropReason {
    if (this.#failed !== undefined) return this.#failed;
    this.#keep(chunk.slice());
    if (this.#length < this.#needed) return [];
    const bytes = concatBytes(this.#parts);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = getU16(bytes, at);
      if (length < HEADER_LENGTH) return this.#fail("dns-stream-short-message");
      if (length > this.#maxLength) return this.#fail("dns-stream-long-message");
      const start = at + LENGTH_BYTES;
      if (bytes.length - start < length) {
        this.#needed = LENGTH_BYTES + length;
        break;
      }
      messages.push(bytes.slice(start, start + length));
      at = start + length;
    }
    this.#drop();
    this.#keep(bytes.slice(at));
    return messages;
  }

  #keep(part: Uint8Array<ArrayBuffer>): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  #drop(): void {
    this.#parts = [];
    this.#length = 0;
  }

  #fail(reason: StreamDropReason): StreamDropReason {
    this.#drop();
    return this.#failed = reason;
  }
}

/** A message with its length in front, for a stream. */
export function frameMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(LENGTH_BYTES + message.length);
  setU16(framed, 0, message.length);
  framed.set(message, LENGTH_BYTES);
  return framed;
}

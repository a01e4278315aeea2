/**
 * The peer's QPACK streams (RFC 9204, section 4.2) where both dynamic tables are of size zero: hardly anything may be said on them.
 *
 * @module
 */

import { ERROR, fault, type H3Fault } from "./codes.ts";

/** Set Dynamic Table Capacity to 0 (section 4.3.1): the one instruction of an encoder without a table. */
const CAPACITY_ZERO = 0x20;

/** Reads the encoder stream. */
export class EncoderStreamReader {
  /** Feeds one chunk. */
  push(chunk: Uint8Array): H3Fault | undefined {
    for (const byte of chunk) {
      if (byte === CAPACITY_ZERO) continue;
      const reason = "it fills a dynamic table of size zero";
      return fault(ERROR.QPACK_ENCODER_STREAM_ERROR, reason);
    }
  }
}

/** Reads the decoder stream. Only a cancellation may come (section 4.4.2), of which there may be many. */
export class DecoderStreamReader {
  #isInside = false;

  /** Feeds one chunk. */
  push(chunk: Uint8Array): H3Fault | undefined {
    for (const byte of chunk) {
      if (this.#isInside) {
        this.#isInside = byte >= 0x80;
      } else if (byte >= 0x40 && byte < 0x80) {
        this.#isInside = byte === 0x7f;
      } else {
        const reason = "it acknowledges entries of a dynamic table that nobody made";
        return fault(ERROR.QPACK_DECODER_STREAM_ERROR, reason);
      }
    }
  }
}

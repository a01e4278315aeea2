/**
 * A header block out of HEADERS and CONTINUATION (RFC 9113, section 4.3), which nothing may come between.
 *
 * @module
 */

import { concatBytes } from "../../bytes.ts";
import { ERROR, fault, type H2Fault } from "./codes.ts";

/** Frames of one block. With room for the longest block in the smallest frames, and a flood of empty ones ends soon (CVE-2024-27316). */
const MAX_FRAGMENTS = 16;

/** Collects the fragments of one block after the other. */
export class HeaderBlock {
  readonly #maxBytes: number;
  #fragments: Uint8Array[] = [];
  #length = 0;
  #streamId = 0;
  #endStream = false;

  /** Blocks may be as long as `maxBytes`: one that is longer cannot be read, and without it no later one. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The stream whose block is under way; 0 for none. */
  get streamId(): number {
    return this.#streamId;
  }

  /** Whether the block under way also ends its stream. */
  get endStream(): boolean {
    return this.#endStream;
  }

  /** A block begins. */
  begin(streamId: number, endStream: boolean): void {
    this.#streamId = streamId;
    this.#endStream = endStream;
  }

  /** A fragment, a view. */
  add(fragment: Uint8Array): H2Fault | undefined {
    this.#length += fragment.length;
    if (this.#length > this.#maxBytes) {
      return fault(ERROR.ENHANCE_YOUR_CALM, `it sends a head of more than ${this.#maxBytes} bytes`);
    }
    if (this.#fragments.push(fragment) > MAX_FRAGMENTS) {
      return fault(ERROR.ENHANCE_YOUR_CALM, `it sends a head in more than ${MAX_FRAGMENTS} frames`);
    }
  }

  /** The block is whole. */
  finish(): Uint8Array {
    const block = this.#fragments.length === 1 ? this.#fragments[0] : concatBytes(this.#fragments);
    this.#fragments = [];
    this.#length = 0;
    this.#streamId = 0;
    return block;
  }
}

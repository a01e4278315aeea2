/**
 * The Capsule Protocol (RFC 9297, section 3.2): a stream of (type, length, value), out of bytes that come as they please.
 *
 * A type that nobody here knows is skipped without being kept, however long it says it is (section 3.2: "silently dropped").
 * A known one has a bound: more than that is an error and never a buffer. The stream may end between two capsules only (section 3.3).
 * The chunks of draft-ietf-masque-connect-udp-03, section 6, have the same shape, so one parser serves both.
 *
 * @module
 */

import { getVarint, setVarint, varintLength, varintLengthAt } from "./varint.ts";

/** The capsule that carries an HTTP Datagram (RFC 9297, section 3.5), and the chunk UDP_PACKET of the draft. */
export const DATAGRAM_CAPSULE = 0;

/** What is wrong with the stream: half a sentence for the operator that begins with "it". */
export type CapsuleFault = string;

/** Two variable-length integers. */
const MAX_HEADER_BYTES = 16;

/** What to do with capsules. */
export interface CapsuleRules {
  /** The longest value taken for `type`; -1 skips this type, `Infinity` hands its values to {@linkcode CapsuleRules.piece} as they come. */
  maxLength(type: number): number;
  /**
   * Takes a whole capsule. `value` is a view, of the chunk where that holds all of it. A fault returned here is the stream's.
   */
  capsule(type: number, value: Uint8Array<ArrayBuffer>): CapsuleFault | undefined;
  /** Takes a part of a value without a bound; a view of the chunk. `left` bytes of the capsule follow, 0 with its last part. */
  piece?(type: number, part: Uint8Array<ArrayBuffer>, left: number): CapsuleFault | undefined;
}

/** Takes a stream apart. After a fault it takes no more. */
export class CapsuleParser {
  readonly #rules: CapsuleRules;
  /** Bytes of a header that came in pieces. */
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerLength = 0;
  /** A value that came in pieces. */
  #type = 0;
  #value: Uint8Array<ArrayBuffer> | undefined;
  #valueLength = 0;
  /** Bytes of an unknown capsule still to come; can be `Infinity`. */
  #toSkip = 0;
  /** Bytes still to come of a value that is handed over in pieces; can be `Infinity`. */
  #toPass = 0;
  #fault: CapsuleFault | undefined;
  #skipped = 0;

  /** `rules` says which types are known. */
  constructor(rules: CapsuleRules) {
    this.#rules = rules;
  }

  /** Capsules of unknown types so far. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Feeds one chunk and hands its capsules to the rules, in order.
   *
   * @example One datagram, in two pieces
   * ```ts
   * import { CapsuleParser } from "./capsule.ts";
   *
   * const values: Uint8Array[] = [];
   * const parser = new CapsuleParser({
   *   maxLength: (type) => type === 0 ? 100 : -1,
   *   capsule: (_type, value) => void values.push(value),
   * });
   * parser.push(new Uint8Array([0, 3, 0]));
   * parser.push(new Uint8Array([7, 8]));
   * if (parser.end() !== undefined || values[0].join() !== "0,7,8") throw new Error("unexpected");
   * ```
   */
  push(chunk: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    for (let at = 0; this.#fault === undefined && at < chunk.length;) {
      if (this.#toSkip > 0) at = this.#skip(chunk, at);
      else if (this.#toPass > 0) at = this.#pass(chunk, at);
      else if (this.#value !== undefined) at = this.#fill(this.#value, chunk, at);
      else if (this.#headerLength > 0) at = this.#collectHeader(chunk, at);
      else at = this.#takeWhole(chunk, at);
    }
    return this.#fault;
  }

  /** Says what is wrong with a stream that ends here. */
  end(): CapsuleFault | undefined {
    const isInside = this.#toSkip > 0 || this.#toPass > 0 || this.#value !== undefined;
    if (isInside || this.#headerLength > 0) {
      this.#fault ??= "it ends in the middle of a capsule";
    }
    return this.#fault;
  }

  /** The usual case: the header is whole, and mostly the value too. */
  #takeWhole(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    const lengthAt = at + varintLengthAt(chunk[at]);
    const valueAt = lengthAt < chunk.length ? lengthAt + varintLengthAt(chunk[lengthAt]) : Infinity;
    if (valueAt > chunk.length) return this.#collectHeader(chunk, at);
    const type = getVarint(chunk, at);
    const length = getVarint(chunk, lengthAt);
    const maxLength = this.#rules.maxLength(type);
    if (valueAt + length > chunk.length || length > maxLength || maxLength === Infinity) {
      this.#begin(type, length);
      return valueAt;
    }
    this.#fault = this.#rules.capsule(type, chunk.subarray(valueAt, valueAt + length));
    return valueAt + length;
  }

  /** One byte at a time, which is rare enough. */
  #collectHeader(chunk: Uint8Array, at: number): number {
    const header = this.#header;
    while (at < chunk.length) {
      header[this.#headerLength++] = chunk[at++];
      const lengthAt = varintLengthAt(header[0]);
      if (this.#headerLength <= lengthAt) continue;
      if (this.#headerLength < lengthAt + varintLengthAt(header[lengthAt])) continue;
      this.#headerLength = 0;
      this.#begin(getVarint(header, 0), getVarint(header, lengthAt));
      break;
    }
    return at;
  }

  /** A capsule whose value is still to come, or is not wanted. */
  #begin(type: number, length: number): void {
    const maxLength = this.#rules.maxLength(type);
    if (maxLength < 0) {
      this.#skipped++;
      this.#toSkip = length;
    } else if (maxLength === Infinity) {
      this.#type = type;
      this.#toPass = length;
      if (length === 0) this.#fault = this.#rules.piece!(type, new Uint8Array(0), 0);
    } else if (length > maxLength) {
      this.#fault = `it holds a capsule of type ${type} with more than ${maxLength} bytes`;
    } else if (length === 0) {
      this.#fault = this.#rules.capsule(type, new Uint8Array(0));
    } else {
      this.#type = type;
      this.#value = new Uint8Array(length);
      this.#valueLength = 0;
    }
  }

  #skip(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#toSkip, chunk.length - at);
    this.#toSkip -= count;
    return at + count;
  }

  #pass(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    const count = Math.min(this.#toPass, chunk.length - at);
    this.#toPass -= count;
    this.#fault = this.#rules.piece!(this.#type, chunk.subarray(at, at + count), this.#toPass);
    return at + count;
  }

  #fill(value: Uint8Array<ArrayBuffer>, chunk: Uint8Array, at: number): number {
    const count = Math.min(value.length - this.#valueLength, chunk.length - at);
    value.set(chunk.subarray(at, at + count), this.#valueLength);
    this.#valueLength += count;
    if (this.#valueLength === value.length) {
      this.#value = undefined;
      this.#fault = this.#rules.capsule(this.#type, value);
    }
    return at + count;
  }
}

/**
 * Encodes one capsule. Throws a `RangeError` when `type` is no integer from 0 to 2^62 - 1.
 *
 * @example A capsule of a reserved type (RFC 9297, section 5.4)
 * ```ts
 * import { encodeCapsule } from "./capsule.ts";
 *
 * const bytes = encodeCapsule(0x17, new Uint8Array([1]));
 * if (bytes.join() !== "23,1,1") throw new Error("unexpected");
 * ```
 */
export function encodeCapsule(type: number | bigint, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(MAX_HEADER_BYTES);
  const end = setVarint(header, setVarint(header, 0, type), value.length);
  const bytes = new Uint8Array(end + value.length);
  bytes.set(header.subarray(0, end));
  bytes.set(value, end);
  return bytes;
}

/** Bytes of a capsule of `type` whose value has `length` bytes. */
export function capsuleLength(type: number, length: number): number {
  return varintLength(type) + varintLength(length) + length;
}

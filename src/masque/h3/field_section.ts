/**
 * Field sections in QPACK (RFC 9204, section 4.5) with a dynamic table of zero: every reference is to the static table, nothing waits for
 * another stream, and a section is understood or is not.
 *
 * @module
 */

import { ERROR, fault, type H3Fault } from "./codes.ts";
import { decodeHuffman, huffmanLength, setHuffman } from "./huffman.ts";
import {
  getPrefixInteger,
  MAX_PREFIX_INTEGER_BYTES,
  type PrefixInteger,
  setPrefixInteger,
} from "./prefix_integer.ts";
import { findField, findName, STATIC_TABLE } from "./static_table.ts";

/** A field: a name in lower case, and a value of one byte a character. */
export type Field = readonly [name: string, value: string];

/** What a field counts beside its bytes (RFC 9114, section 4.2.2). */
const FIELD_OVERHEAD = 32;

/** Required Insert Count and Base of a section that refers to no dynamic table (section 4.5.1). */
const PREFIX_BYTES = 2;

/** Fields whose values no hop may put into a table, ours or its own (section 7.1.3). */
const NEVER_INDEXED: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
]);

/**
 * Encodes a section. Trusts names and values to be what a field may hold (`checkFields`).
 *
 * @example A field of the static table
 * ```ts
 * import { encodeFieldSection } from "./field_section.ts";
 *
 * const bytes = encodeFieldSection([[":method", "CONNECT"]]);
 * if (bytes.toHex() !== "0000cf") throw new Error(bytes.toHex());
 * ```
 */
export function encodeFieldSection(fields: Iterable<Field>): Uint8Array<ArrayBuffer> {
  const all = [...fields];
  let room = PREFIX_BYTES;
  for (const [name, value] of all) {
    room += name.length + value.length + 2 * MAX_PREFIX_INTEGER_BYTES;
  }
  const bytes = new Uint8Array(room);
  let at = PREFIX_BYTES;
  for (const [name, value] of all) at = setField(bytes, at, name, value);
  return bytes.subarray(0, at);
}

function setField(bytes: Uint8Array, at: number, name: string, value: string): number {
  const whole = findField(name, value);
  if (whole !== undefined) return setPrefixInteger(bytes, at, 6, 0xc0, whole);
  const isSecret = NEVER_INDEXED.has(name);
  const known = findName(name);
  at = known !== undefined
    ? setPrefixInteger(bytes, at, 4, isSecret ? 0x70 : 0x50, known)
    : setText(bytes, at, 3, isSecret ? 0x30 : 0x20, name);
  return setText(bytes, at, 7, 0, value);
}

/** A string literal (section 4.1.2): the bit above the prefix says Huffman, which is taken where it is shorter. */
function setText(bytes: Uint8Array, at: number, bits: number, flags: number, text: string): number {
  const coded = huffmanLength(text);
  if (coded < text.length) {
    at = setPrefixInteger(bytes, at, bits, flags | (1 << bits), coded);
    return setHuffman(bytes, at, text);
  }
  at = setPrefixInteger(bytes, at, bits, flags, text.length);
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** Decodes a section whose fields together count at most `maxSize` (RFC 9114, section 4.2.2). */
export function decodeFieldSection(bytes: Uint8Array, maxSize: number): Field[] | H3Fault {
  const cursor = new SectionCursor(bytes);
  const insertCount = cursor.integer(8);
  if (insertCount !== 0) return cursor.fault ?? broken("it refers to a dynamic table of size zero");
  const isNegative = (bytes[cursor.at] & 0x80) !== 0;
  cursor.integer(7);
  // Section 4.5.1.2: with a sign and no insert count the Base is below zero.
  if (isNegative) return broken("it begins a field section below the dynamic table");
  const fields: Field[] = [];
  let size = 0;
  while (cursor.fault === undefined && cursor.at < bytes.length) {
    const field = cursor.field();
    if (field === undefined) break;
    size += field[0].length + field[1].length + FIELD_OVERHEAD;
    if (size > maxSize) return oversized(maxSize);
    fields.push(field);
  }
  return cursor.fault ?? fields;
}

/** Too long a section spoils one exchange only (RFC 9114, section 4.2.2). */
export function oversized(maxSize: number): H3Fault {
  const reason = `it sends header fields of more than ${maxSize} bytes`;
  return { code: ERROR.EXCESSIVE_LOAD, reason, isOfStream: true };
}

function broken(reason: string): H3Fault {
  return fault(ERROR.QPACK_DECOMPRESSION_FAILED, reason);
}

/** Reads representations; the first trouble stays in `fault`. */
class SectionCursor {
  at = 0;
  fault: H3Fault | undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  integer(bits: number): number {
    const integer = getPrefixInteger(this.#bytes, this.at, bits);
    if (typeof integer === "string") {
      this.fault ??= broken(`it sends a field section with an integer that is ${integer}`);
      return 0;
    }
    this.at = (integer as PrefixInteger).end;
    return integer.value;
  }

  field(): Field | undefined {
    const first = this.#bytes[this.at];
    // Indexed: 1T; literal with a name reference: 01NT; literal name: 001NH. The rest is post-base, so dynamic.
    if (first >= 0x80) return first >= 0xc0 ? this.#entry(6) : this.#dynamic();
    if (first >= 0x40) return first & 0x10 ? this.#named(this.#entry(4)?.[0]) : this.#dynamic();
    if (first >= 0x20) return this.#named(this.#text(3));
    return this.#dynamic();
  }

  #named(name: string | undefined): Field | undefined {
    const value = name === undefined ? undefined : this.#text(7);
    return name === undefined || value === undefined ? undefined : [name, value];
  }

  #entry(bits: number): Field | undefined {
    const entry = STATIC_TABLE[this.integer(bits)];
    if (entry === undefined) this.fault ??= broken("it refers behind the static table");
    return this.fault === undefined ? entry : undefined;
  }

  #dynamic(): undefined {
    this.fault ??= broken("it refers to a dynamic table of size zero");
  }

  #text(bits: number): string | undefined {
    const isCoded = (this.#bytes[this.at] & (1 << bits)) !== 0;
    const length = this.integer(bits);
    const end = this.at + length;
    if (this.fault === undefined && end > this.#bytes.length) {
      this.fault = broken("it sends a field section with a string that is cut off");
    }
    if (this.fault !== undefined) return undefined;
    const bytes = this.#bytes.subarray(this.at, end);
    this.at = end;
    if (!isCoded) return latin1Text(bytes);
    const text = decodeHuffman(bytes);
    if (text === undefined) this.fault = broken("it sends a string that is no Huffman code");
    return text;
  }
}

/** Foreign bytes as characters of the same number. */
function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

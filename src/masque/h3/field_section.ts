/**
 * Field sections in QPACK (RFC 9204, section 4.5) with a dynamic table of zero: every reference is to the static table, nothing waits for
 * another stream, and a section is understood or is not.
 *
 * @module
 */

import { ERROR, fault, type H3Fault } from "./codes.ts";
import { type Field, fieldSize, NEVER_INDEXED } from "../fields/field.ts";
import {
  getPrefixInteger,
  MAX_PREFIX_INTEGER_BYTES,
  type PrefixInteger,
  setPrefixInteger,
} from "../fields/prefix_integer.ts";
import { getStringLiteral, setStringLiteral } from "../fields/string_literal.ts";
import { findField, findName, STATIC_TABLE } from "./static_table.ts";

/** Required Insert Count and Base of a section that refers to no dynamic table (section 4.5.1). */
const PREFIX_BYTES = 2;

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
    : setStringLiteral(bytes, at, 3, isSecret ? 0x30 : 0x20, name);
  return setStringLiteral(bytes, at, 7, 0, value);
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
    size += fieldSize(field);
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
    if (this.fault !== undefined) return undefined;
    const literal = getStringLiteral(this.#bytes, this.at, bits);
    if (typeof literal === "string") {
      this.fault = broken(`it sends ${literal}`);
      return undefined;
    }
    this.at = literal.end;
    return literal.text;
  }
}

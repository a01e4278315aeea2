/**
 * Fields into header blocks (RFC 7541, section 6), with the static table alone: a tunnel's head is short and comes once, and what is not in a
 * table can be guessed out of none (section 7.1).
 *
 * @module
 */

import { type Field, NEVER_INDEXED } from "../../fields/field.ts";
import { MAX_PREFIX_INTEGER_BYTES, setPrefixInteger } from "../../fields/prefix_integer.ts";
import { setStringLiteral } from "../../fields/string_literal.ts";
import { findField, findName } from "./static_table.ts";

/** Section 6.3: the dynamic table has the size 0 from the first block on, whatever the peer's settings become. */
const NO_TABLE = 0x20;

/** Encodes the blocks of one connection. */
export class HpackEncoder {
  #isFirst = true;

  /**
   * A block of these fields. Trusts names and values to be what a field may hold (`checkFields`).
   *
   * @example A field of the static table, behind the word that there is no dynamic table
   * ```ts
   * import { HpackEncoder } from "./encoder.ts";
   *
   * const bytes = new HpackEncoder().encode([[":method", "GET"]]);
   * if (bytes.toHex() !== "2082") throw new Error(bytes.toHex());
   * ```
   */
  encode(fields: Iterable<Field>): Uint8Array<ArrayBuffer> {
    const all = [...fields];
    let room = 1;
    for (const [name, value] of all) {
      room += name.length + value.length + 2 * MAX_PREFIX_INTEGER_BYTES;
    }
    const bytes = new Uint8Array(room);
    let at = 0;
    if (this.#isFirst) bytes[at++] = NO_TABLE;
    this.#isFirst = false;
    for (const [name, value] of all) at = setField(bytes, at, name, value);
    return bytes.subarray(0, at);
  }
}

function setField(bytes: Uint8Array, at: number, name: string, value: string): number {
  const whole = findField(name, value);
  if (whole !== undefined) return setPrefixInteger(bytes, at, 7, 0x80, whole);
  const flags = NEVER_INDEXED.has(name) ? 0x10 : 0;
  const known = findName(name);
  at = setPrefixInteger(bytes, at, 4, flags, known ?? 0);
  if (known === undefined) at = setStringLiteral(bytes, at, 7, 0, name);
  return setStringLiteral(bytes, at, 7, 0, value);
}

/**
 * Header blocks into fields (RFC 7541, section 6).
 *
 * @module
 */

import { type Field, fieldSize } from "../../fields/field.ts";
import { getPrefixInteger } from "../../fields/prefix_integer.ts";
import { getStringLiteral } from "../../fields/string_literal.ts";
import { ERROR, fault, type H2Fault } from "../codes.ts";
import { DynamicTable } from "./dynamic_table.ts";
import { STATIC_TABLE } from "./static_table.ts";

/** What SETTINGS_HEADER_TABLE_SIZE is when nobody says otherwise, and we do not: all that a peer can make us remember of its heads. */
const TABLE_BYTES = 4096;

/** Decodes the blocks of one connection, which must come in order, every one of them. After a fault it is of no more use. */
export class HpackDecoder {
  readonly #table = new DynamicTable(TABLE_BYTES);
  readonly #maxSize: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #fault: H2Fault | undefined;

  /** Fields of one block together count at most `maxSize` (RFC 9113, section 6.5.2). */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /**
   * The fields of a block, or `too large`: then the rest was read all the same, because later blocks lean on it, and only the exchange is spoilt.
   *
   * @example The request of RFC 7541, appendix C.3.1
   * ```ts
   * import { HpackDecoder } from "./decoder.ts";
   *
   * const block = Uint8Array.fromHex("828684410f7777772e6578616d706c652e636f6d");
   * const fields = new HpackDecoder(1024).decode(block);
   * if (fields.toString() !== ":method,GET,:scheme,http,:path,/,:authority,www.example.com") throw new Error("unexpected");
   * ```
   */
  decode(block: Uint8Array): readonly Field[] | "too large" | H2Fault {
    this.#bytes = block;
    this.#at = 0;
    const fields: Field[] = [];
    let size = 0;
    while (this.#fault === undefined && this.#at < block.length) {
      const field = this.#takeNext(fields.length === 0 && size === 0);
      if (field === undefined) continue;
      size += fieldSize(field);
      if (size <= this.#maxSize) fields.push(field);
    }
    this.#bytes = new Uint8Array(0);
    return this.#fault ?? (size > this.#maxSize ? "too large" : fields);
  }

  /** One representation; `undefined` for one that is no field. */
  #takeNext(isFirst: boolean): Field | undefined {
    const first = this.#bytes[this.#at];
    if (first & 0x80) return this.#entry(this.#integer(7));
    if (first & 0x40) {
      const field = this.#literal(6);
      if (field !== undefined) this.#table.insert(field);
      return field;
    }
    if (first & 0x20) {
      this.#resize(this.#integer(5), isFirst);
      return undefined;
    }
    return this.#literal(4); // without indexing, or never indexed, which are the same to who only reads
  }

  #literal(bits: number): Field | undefined {
    const index = this.#integer(bits);
    const name = index === 0 ? this.#string() : this.#entry(index)?.[0];
    const value = name === undefined ? undefined : this.#string();
    return name === undefined || value === undefined ? undefined : [name, value];
  }

  #entry(index: number): Field | undefined {
    if (this.#fault !== undefined) return undefined;
    const entry = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#table.at(index - STATIC_TABLE.length - 1);
    if (entry === undefined) this.#broken(`the index ${index}, where no header field stands`);
    return entry;
  }

  /** Section 4.2: at the beginning of a block only, and never above what the settings allow. */
  #resize(size: number, isFirst: boolean): void {
    if (this.#fault !== undefined) return;
    if (!isFirst) this.#broken("a table size behind a header field");
    else if (size > TABLE_BYTES) this.#broken(`a table size of ${size}, above ${TABLE_BYTES}`);
    else this.#table.resize(size);
  }

  #integer(bits: number): number {
    const integer = getPrefixInteger(this.#bytes, this.#at, bits);
    if (typeof integer === "string") {
      this.#broken(`an integer that is ${integer}`);
      return 0;
    }
    this.#at = integer.end;
    return integer.value;
  }

  #string(): string | undefined {
    if (this.#fault !== undefined) return undefined;
    const literal = getStringLiteral(this.#bytes, this.#at, 7);
    if (typeof literal === "string") {
      this.#broken(literal);
      return undefined;
    }
    this.#at = literal.end;
    return literal.text;
  }

  #broken(what: string): void {
    this.#fault ??= fault(ERROR.COMPRESSION_ERROR, `it sends ${what}`);
  }
}

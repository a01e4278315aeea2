/**
 * String literals (RFC 7541, section 5.2; RFC 9204, section 4.1.2): a length behind a prefix, and bytes, in Huffman code or not.
 *
 * @module
 */

import { decodeHuffman, huffmanLength, setHuffman } from "./huffman.ts";
import { getPrefixInteger, setPrefixInteger } from "./prefix_integer.ts";

/** A string, and where what follows it begins. */
export interface StringLiteral {
  readonly text: string;
  readonly end: number;
}

/**
 * Writes `text`, one byte a character, behind the bits `flags` of the first byte, and returns the offset behind it. The bit above the prefix of
 * `bits` bits says Huffman, which is taken where it is shorter. Trusts that there is room.
 */
export function setStringLiteral(
  bytes: Uint8Array,
  at: number,
  bits: number,
  flags: number,
  text: string,
): number {
  const coded = huffmanLength(text);
  if (coded < text.length) {
    at = setPrefixInteger(bytes, at, bits, flags | (1 << bits), coded);
    return setHuffman(bytes, at, text);
  }
  at = setPrefixInteger(bytes, at, bits, flags, text.length);
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/**
 * Reads the string whose length stands in the low `bits` bits at `at`, or says what it is, as half a sentence behind "it sends".
 *
 * @example The first string of RFC 7541, appendix C.2.1
 * ```ts
 * import { getStringLiteral } from "./string_literal.ts";
 *
 * const bytes = Uint8Array.fromHex("0a637573746f6d2d6b6579");
 * const literal = getStringLiteral(bytes, 0, 7);
 * if (typeof literal === "string" || literal.text !== "custom-key") throw new Error("unexpected");
 * ```
 */
export function getStringLiteral(
  bytes: Uint8Array,
  at: number,
  bits: number,
): StringLiteral | string {
  const isCoded = at < bytes.length && (bytes[at] & (1 << bits)) !== 0;
  const length = getPrefixInteger(bytes, at, bits);
  if (typeof length === "string") return `a string with a length that is ${length}`;
  const end = length.end + length.value;
  if (end > bytes.length) return "a string that is cut off";
  const content = bytes.subarray(length.end, end);
  if (!isCoded) return { text: latin1Text(content), end };
  const text = decodeHuffman(content);
  return text === undefined ? "a string that is no Huffman code" : { text, end };
}

/** Foreign bytes as characters of the same number. */
function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

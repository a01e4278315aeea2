/**
 * Domain names (RFC 1035, section 3.1): bytes with compression on the wire, text in the program.
 *
 * In text, labels stand with dots between them, the root is empty, and a byte that is not printable, or is a dot or a
 * backslash inside a label, is `\DDD` (section 5.1). Case is kept, because resolvers hide a nonce in it; compare names by
 * {@linkcode canonicalName}.
 *
 * @module
 */

import { getU16 } from "../bytes.ts";

/** The longest name on the wire, with its length bytes and the root (RFC 1035, section 2.3.4). */
export const MAX_NAME_LENGTH = 255;
/** The longest label. */
export const MAX_LABEL_LENGTH = 63;

/** The two high bits of a length byte that make it a pointer to an earlier name (RFC 1035, section 4.1.4). */
const POINTER = 0xc0;
/** A pointer has 14 bits: names further behind cannot be pointed to. */
const MAX_POINTER = 0x3fff;

/** A name has 127 labels at most; who strings more pointers together wants us to be busy. */
const MAX_POINTERS = 127;

/** A name that was read, and where the bytes behind it start. */
export interface ReadName {
  readonly name: string;
  readonly end: number;
}

/**
 * Reads the name at `at`; undefined when it is malformed. Each pointer has to lead to before the place where the labels
 * in hand began, so a chain of pointers ends by itself.
 */
export function readName(message: Uint8Array, at: number): ReadName | undefined {
  const labels: string[] = [];
  let length = 1;
  let end = -1;
  let limit = at;
  let pointers = 0;
  while (at < message.length) {
    const first = message[at];
    if (first === 0) return { name: labels.join("."), end: end < 0 ? at + 1 : end };
    if (first >= POINTER) {
      if (at + 2 > message.length) return undefined;
      const target = getU16(message, at) & MAX_POINTER;
      if (target >= limit || ++pointers > MAX_POINTERS) return undefined;
      if (end < 0) end = at + 2;
      at = limit = target;
      continue;
    }
    // 0x40 and 0x80 were other kinds of label; none is in use (RFC 6891, section 5).
    if (first > MAX_LABEL_LENGTH || at + 1 + first > message.length) return undefined;
    length += 1 + first;
    if (length > MAX_NAME_LENGTH) return undefined;
    labels.push(labelText(message.subarray(at + 1, at + 1 + first)));
    at += 1 + first;
  }
  return undefined;
}

function labelText(label: Uint8Array): string {
  let text = "";
  for (const byte of label) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

/**
 * Where names were written in a message, so that later ones can point back. Suffixes are compared byte by byte: a name
 * that differs in case is written out, and comes back as it was.
 */
export type NameOffsets = Map<string, number>;

/**
 * Appends `name` to `out`, whose first byte is the first of the message. With `offsets`, the longest suffix that is
 * known is pointed to and the new ones are remembered.
 *
 * @throws {RangeError} If the name is no domain name
 */
export function writeName(out: number[], name: string, offsets?: NameOffsets): void {
  const labels = name === "" ? [] : name.split(".");
  let length = 1;
  for (const label of labels) length += 1 + labelBytes(label, name).length;
  if (length > MAX_NAME_LENGTH) throw badName(name, "it has more than 255 bytes");
  for (let i = 0; i < labels.length; i++) {
    const suffix = labels.slice(i).join(".");
    const known = offsets?.get(suffix);
    if (known !== undefined) {
      out.push(POINTER | (known >>> 8), known & 0xff);
      return;
    }
    if (out.length <= MAX_POINTER) offsets?.set(suffix, out.length);
    const bytes = labelBytes(labels[i], name);
    out.push(bytes.length, ...bytes);
  }
  out.push(0);
}

function labelBytes(label: string, name: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < label.length; i++) {
    if (label[i] !== "\\") {
      bytes.push(label.charCodeAt(i));
      continue;
    }
    const digits = label.slice(i + 1, i + 4);
    if (!/^[0-9]{3}$/.test(digits)) {
      throw badName(name, 'a backslash needs three digits, as in "\\046"');
    }
    bytes.push(Number(digits));
    i += 3;
  }
  if (bytes.length === 0) throw badName(name, "it has an empty label");
  if (bytes.length > MAX_LABEL_LENGTH) throw badName(name, "it has a label of more than 63 bytes");
  if (bytes.some((byte) => byte > 255)) throw badName(name, "write it in Punycode");
  return bytes;
}

function badName(name: string, why: string): RangeError {
  return new RangeError(`Cannot write the domain name "${name}": ${why}`);
}

/** The one spelling of a name that all its spellings share: ASCII letters in lower case (RFC 4343). */
export function canonicalName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** One label as hosts have it; the underscore is not in RFC 1123, and in use. */
const HOST_LABEL = /^[0-9A-Za-z_-]{1,63}$/;
/** What many programs read as a part of an IPv4 address: `7`, `0x7f` (WHATWG URL, "ends in a number"). */
const NUMBER_LABEL = /^(?:[0-9]+|0[xX][0-9a-fA-F]*)$/;

/**
 * Whether a name can stand in a CONNECT authority and be no address there: letters, digits, hyphens and underscores, and a
 * last label that is no number, for a filter of addresses must not be passed by a name that reads like one.
 */
export function isHostName(name: string): boolean {
  const labels = name.split(".");
  return name.length <= MAX_NAME_LENGTH - 2 && labels.every((label) => HOST_LABEL.test(label)) &&
    !NUMBER_LABEL.test(labels[labels.length - 1]);
}

/** The labels of an address in a reverse name: `4.3.2.1.in-addr.arpa`, or 32 hexadecimal digits in `ip6.arpa`. */
const REVERSE_IPV4 = /^((?:[0-9]{1,3}\.){4})in-addr\.arpa$/;
const REVERSE_IPV6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/;

/** The address that a name in lower case asks the name of (RFC 1035, section 3.5; RFC 3596, section 2.5); undefined when none. */
export function addressOfReverseName(name: string): Uint8Array<ArrayBuffer> | undefined {
  const ipv4 = REVERSE_IPV4.exec(name)?.[1].split(".").slice(0, 4).reverse().map(Number);
  if (ipv4 !== undefined) {
    return ipv4.every((byte) => byte < 256) ? Uint8Array.from(ipv4) : undefined;
  }
  const digits = REVERSE_IPV6.exec(name)?.[1].replaceAll(".", "");
  if (digits === undefined) return undefined;
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 32; i++) {
    const digit = Number.parseInt(digits[31 - i], 16);
    bytes[i >>> 1] = (bytes[i >>> 1] << 4) | digit;
  }
  return bytes;
}

/** The name that asks for the name of `address` (4 or 16 bytes). */
export function reverseName(address: Uint8Array): string {
  if (address.length === 4) return `${[...address].reverse().join(".")}.in-addr.arpa`;
  const digits = [...address].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

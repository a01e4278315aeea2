/**
 * The few types of DER (X.690) that a certificate is made of. Writing only: nobody here reads a certificate.
 *
 * @module
 */

import { concatBytes } from "../../bytes.ts";

/** A DER value, its tag and length included. */
export type Der = Uint8Array<ArrayBuffer>;

/** A value of `tag` around its content (section 8.1). */
export function der(tag: number, ...content: readonly Uint8Array[]): Der {
  const body = concatBytes(content);
  const length: number[] = [];
  if (body.length < 0x80) length.push(body.length);
  else {
    for (let rest = body.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
    length.unshift(0x80 | length.length);
  }
  return concatBytes([Uint8Array.of(tag, ...length), body]);
}

/** SEQUENCE. */
export const sequence = (...items: readonly Uint8Array[]): Der => der(0x30, ...items);

/** SET of one item. */
export const set = (item: Uint8Array): Der => der(0x31, item);

/** BOOLEAN true. */
export const TRUE: Der = der(0x01, Uint8Array.of(0xff));

/** OCTET STRING. */
export const octetString = (bytes: Uint8Array): Der => der(0x04, bytes);

/** BIT STRING of whole bytes. */
export const bitString = (bytes: Uint8Array): Der => der(0x03, Uint8Array.of(0), bytes);

/** A value under an explicit context tag. */
export const explicit = (tag: number, item: Uint8Array): Der => der(0xa0 | tag, item);

/** A positive INTEGER from its big-endian bytes: as short as can be, with the sign bit clear (section 8.3). */
export function integer(bytes: Uint8Array): Der {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const digits = bytes.subarray(at);
  return digits[0] >= 0x80 ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

/** OBJECT IDENTIFIER from its dotted text (section 8.19). */
export function oid(text: string): Der {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let more = arc >>> 7; more > 0; more >>>= 7) groups.unshift(0x80 | (more & 0x7f));
    bytes.push(...groups);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** UTF8String. */
export const utf8String = (text: string): Der => der(0x0c, new TextEncoder().encode(text));

/** GeneralizedTime to the second: year four digits, so it never runs out (RFC 5280, section 4.1.2.5.2). */
export function generalizedTime(date: Date): Der {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x18, new TextEncoder().encode(text));
}

/** UTCTime to the second, which RFC 5280 (section 4.1.2.5.1) wants for years before 2050. */
export function utcTime(date: Date): Der {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "").slice(2);
  return der(0x17, new TextEncoder().encode(text));
}

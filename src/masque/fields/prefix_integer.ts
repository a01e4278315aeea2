/**
 * Integers behind a prefix of a byte (RFC 7541, section 5.1, as RFC 9204, section 4.1.1, has them).
 *
 * @module
 */

/** An integer, and where what follows it begins. */
export interface PrefixInteger {
  readonly value: number;
  readonly end: number;
}

/** Continuation bytes taken: 7 bits each, so every value that a length or an index of ours can have, and no long row of zeros. */
const MAX_CONTINUATION = 4;

/**
 * Reads the integer whose low `bits` bits stand at `at`: `cut off` when bytes are missing, `too large` above what anything here can mean.
 *
 * @example 1337 behind a prefix of five bits (RFC 7541, appendix C.1.2)
 * ```ts
 * import { getPrefixInteger } from "./prefix_integer.ts";
 *
 * const integer = getPrefixInteger(new Uint8Array([0x1f, 0x9a, 0x0a]), 0, 5);
 * if (typeof integer === "string" || integer.value !== 1337) throw new Error("unexpected");
 * ```
 */
export function getPrefixInteger(
  bytes: Uint8Array,
  at: number,
  bits: number,
): PrefixInteger | "cut off" | "too large" {
  if (at >= bytes.length) return "cut off";
  const full = (1 << bits) - 1;
  let value = bytes[at] & full;
  if (value < full) return { value, end: at + 1 };
  for (let i = 0; i < MAX_CONTINUATION; i++) {
    const byte = bytes[at + 1 + i];
    if (byte === undefined) return "cut off";
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + 2 + i };
  }
  return "too large";
}

/** Bytes that {@linkcode setPrefixInteger} may need. */
export const MAX_PREFIX_INTEGER_BYTES: number = 1 + MAX_CONTINUATION;

/** Writes `value` behind the bits `flags` of the first byte and returns the offset behind it. Trusts that there is room. */
export function setPrefixInteger(
  bytes: Uint8Array,
  at: number,
  bits: number,
  flags: number,
  value: number,
): number {
  const full = (1 << bits) - 1;
  if (value < full) {
    bytes[at] = flags | value;
    return at + 1;
  }
  bytes[at++] = flags | full;
  let rest = value - full;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

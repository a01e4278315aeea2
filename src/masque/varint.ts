/**
 * Variable-length integers (RFC 9000, section 16): the first two bits say how many bytes there are, 1, 2, 4 or 8.
 *
 * A longer form than needed is legal and means the same. Values above 2^53 - 1 cannot be exact as a number: they read as `Infinity`, which
 * is larger than every bound and equal to no known type, so no comparison goes wrong; {@linkcode getBigVarint} has them exact.
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../bytes.ts";

/** The largest value: 62 bits. */
export const MAX_VARINT: bigint = (1n << 62n) - 1n;

const MAX_1 = 0x3f;
const MAX_2 = 0x3fff;
const MAX_4 = 0x3fff_ffff;
const TWO_32 = 0x1_0000_0000;

/** Bytes of the integer that begins with `first`. */
export function varintLengthAt(first: number): number {
  return 1 << (first >> 6);
}

/** Bytes that `value` needs at least. */
export function varintLength(value: number): number {
  return value <= MAX_1 ? 1 : value <= MAX_2 ? 2 : value <= MAX_4 ? 4 : 8;
}

/**
 * Reads the integer at `offset`; `Infinity` above 2^53 - 1. Trusts that {@linkcode varintLengthAt} many bytes are there.
 *
 * @example The same value in its shortest and in a longer form
 * ```ts
 * import { getVarint } from "./varint.ts";
 *
 * const short = getVarint(new Uint8Array([0x25]), 0);
 * const long = getVarint(new Uint8Array([0x40, 0x25]), 0);
 * if (short !== 37 || long !== 37) throw new Error("unexpected");
 * ```
 */
export function getVarint(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset];
  if (first <= MAX_1) return first;
  if (first < 0x80) return getU16(bytes, offset) & MAX_2;
  if (first < 0xc0) return getU32(bytes, offset) & MAX_4;
  const value = (getU32(bytes, offset) & MAX_4) * TWO_32 + getU32(bytes, offset + 4);
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** Reads the integer at `offset`, whatever its size. Trusts that all its bytes are there. */
export function getBigVarint(bytes: Uint8Array, offset: number): bigint {
  if (bytes[offset] < 0xc0) return BigInt(getVarint(bytes, offset));
  const high = BigInt(getU32(bytes, offset) & MAX_4);
  return (high << 32n) | BigInt(getU32(bytes, offset + 4));
}

/**
 * Writes `value` in its shortest form at `offset` and returns the offset behind it. Trusts that there is room.
 *
 * @throws {RangeError} If the value is no integer from 0 to 2^62 - 1
 */
export function setVarint(bytes: Uint8Array, offset: number, value: number | bigint): number {
  const number = Number(value);
  if (number >= 0 && number <= MAX_1 && Number.isInteger(number)) {
    bytes[offset] = number;
    return offset + 1;
  }
  const isNumberExact = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isNumberExact || value < 0 || BigInt(value) > MAX_VARINT) {
    throw new RangeError(
      `Cannot encode "${value}": a variable-length integer is an integer from 0 to 2^62 - 1`,
    );
  }
  if (number <= MAX_2) {
    setU16(bytes, offset, number | 0x4000);
    return offset + 2;
  }
  if (number <= MAX_4) {
    setU32(bytes, offset, number | 0x8000_0000);
    return offset + 4;
  }
  const big = BigInt(value);
  setU32(bytes, offset, Number(big >> 32n) | 0xc000_0000);
  setU32(bytes, offset + 4, Number(big & 0xffff_ffffn));
  return offset + 8;
}

/**
 * The options of TCP that this stack speaks: maximum segment size (RFC 9293, section 3.7.1), window scale and
 * timestamps (RFC 7323), SACK-permitted and SACK (RFC 2018). Others are skipped by their length.
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../bytes.ts";

const END = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;

/** A header has room for 40 bytes of options, which is four SACK blocks. */
export const MAX_SACK_BLOCKS = 4;

/** RFC 7323, section 2.3: a larger shift is taken as 14. */
export const MAX_WINDOW_SHIFT = 14;

/** The options of one segment. A number below 0 means absent. */
export interface TcpOptions {
  mss: number;
  windowShift: number;
  sackPermitted: boolean;
  hasTimestamps: boolean;
  timestampValue: number;
  timestampEcho: number;
  /** How many pairs of `sackEdges` are filled. */
  sackCount: number;
  /** Left and right edge by turns. */
  sackEdges: Uint32Array;
}

/** An empty shape to fill. */
export function newOptions(): TcpOptions {
  return {
    mss: -1,
    windowShift: -1,
    sackPermitted: false,
    hasTimestamps: false,
    timestampValue: 0,
    timestampEcho: 0,
    sackCount: 0,
    sackEdges: new Uint32Array(2 * MAX_SACK_BLOCKS),
  };
}

/** Marks every option as absent. */
export function clearOptions(options: TcpOptions): void {
  options.mss = -1;
  options.windowShift = -1;
  options.sackPermitted = false;
  options.hasTimestamps = false;
  options.sackCount = 0;
}

/** The four bytes that open `NOP NOP timestamps`, the layout of nearly every segment on the Internet. */
const NOP_NOP_TIMESTAMPS = 0x0101080a;

/**
 * Reads the options at `bytes[at..end)`. A malformed option ends the walk and what came before it counts:
 * a segment is not lost for a bad option (RFC 9293, MUST-7).
 */
export function parseTcpOptions(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: TcpOptions,
): void {
  clearOptions(into);
  if (end - at === 12 && getU32(bytes, at) === NOP_NOP_TIMESTAMPS) {
    into.hasTimestamps = true;
    into.timestampValue = getU32(bytes, at + 4);
    into.timestampEcho = getU32(bytes, at + 8);
    return;
  }
  while (at < end) {
    const kind = bytes[at];
    if (kind === END) return;
    if (kind === NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return;
    const length = bytes[at + 1];
    if (length < 2 || at + length > end) return;
    readOption(bytes, at, kind, length, into);
    at += length;
  }
}

function readOption(
  bytes: Uint8Array,
  at: number,
  kind: number,
  length: number,
  into: TcpOptions,
): void {
  if (kind === MSS && length === 4) into.mss = getU16(bytes, at + 2);
  else if (kind === WINDOW_SCALE && length === 3) {
    into.windowShift = Math.min(bytes[at + 2], MAX_WINDOW_SHIFT);
  } else if (kind === SACK_PERMITTED && length === 2) into.sackPermitted = true;
  else if (kind === TIMESTAMPS && length === 10) {
    into.hasTimestamps = true;
    into.timestampValue = getU32(bytes, at + 2);
    into.timestampEcho = getU32(bytes, at + 6);
  } else if (kind === SACK && length >= 10 && length % 8 === 2) {
    into.sackCount = Math.min((length - 2) / 8, MAX_SACK_BLOCKS);
    for (let i = 0; i < 2 * into.sackCount; i++) {
      into.sackEdges[i] = getU32(bytes, at + 2 + 4 * i);
    }
  }
}

/** Writes `options` at `bytes[at]` and returns their length, a multiple of 4. */
export function writeTcpOptions(bytes: Uint8Array, at: number, options: TcpOptions): number {
  const start = at;
  if (options.mss >= 0) {
    setU16(bytes, at, MSS << 8 | 4);
    setU16(bytes, at + 2, options.mss);
    at += 4;
  }
  if (options.hasTimestamps) {
    // SACK-permitted fits where the two NOPs would stand.
    setU16(bytes, at, options.sackPermitted ? SACK_PERMITTED << 8 | 2 : 0x0101);
    setU16(bytes, at + 2, TIMESTAMPS << 8 | 10);
    setU32(bytes, at + 4, options.timestampValue);
    setU32(bytes, at + 8, options.timestampEcho);
    at += 12;
  } else if (options.sackPermitted) {
    setU32(bytes, at, (NOP << 24 | NOP << 16 | SACK_PERMITTED << 8 | 2) >>> 0);
    at += 4;
  }
  if (options.windowShift >= 0) {
    setU32(bytes, at, (NOP << 24 | WINDOW_SCALE << 16 | 3 << 8 | options.windowShift) >>> 0);
    at += 4;
  }
  return writeSack(bytes, at, options) - start;
}

function writeSack(bytes: Uint8Array, at: number, options: TcpOptions): number {
  // Three blocks beside timestamps, four without (RFC 2018, section 3).
  const count = Math.min(options.sackCount, options.hasTimestamps ? 3 : MAX_SACK_BLOCKS);
  if (count === 0) return at;
  setU32(bytes, at, (NOP << 24 | NOP << 16 | SACK << 8 | (2 + 8 * count)) >>> 0);
  at += 4;
  for (let i = 0; i < 2 * count; i++, at += 4) setU32(bytes, at, options.sackEdges[i]);
  return at;
}

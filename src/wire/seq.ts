/**
 * Arithmetic of sequence numbers, modulo 2^32 (RFC 9293, section 3.4). Nowhere else may a sequence number stand
 * beside `<`. Numbers are kept unsigned.
 *
 * @module
 */

/** `seq + count`, where `count` may be negative. */
export function seqAdd(seq: number, count: number): number {
  return (seq + count) >>> 0;
}

/** How far `a` lies after `b`: between -2^31 and 2^31 - 1. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether `a` comes before `b`. */
export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Whether `a` comes before `b` or is the same. */
export function seqLessEqual(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

/** The later of two. */
export function seqMax(a: number, b: number): number {
  return ((a - b) | 0) >= 0 ? a : b;
}

/** Whether `seq` lies in the window of `size` numbers that starts at `start`. */
export function seqInWindow(seq: number, start: number, size: number): boolean {
  return ((seq - start) >>> 0) < size;
}

/**
 * Which of several stacks behind one device a packet belongs to: the arithmetic that the kernel does in `tun/steering.ts` to choose the queue
 * of a packet, once more, for packets that the kernel could not judge. PURE.
 *
 * TCP goes by both addresses and both ports. UDP goes by the program's address and port alone, so that all that one port of a program talks to
 * stays together: it has one port at the proxy, too (RFC 4787, REQ-1).
 *
 * @module
 */

import { getU32 } from "../bytes.ts";
import type { IpPacket } from "./ip.ts";

/** Odd, with bits all over: 2^32 divided by the golden ratio, which Knuth chose for this. */
export const SPREAD_WORD_FACTOR = 0x9e3779b1 | 0;
/** The last steps let high bits tell in the low ones, which the rest of the division takes. */
export const SPREAD_FIRST_SHIFT = 15;
/** Another odd number of that kind. */
export const SPREAD_LAST_FACTOR = 0x85ebca6b | 0;
/** The second of these steps. */
export const SPREAD_LAST_SHIFT = 13;

/** The stack of a TCP segment, 0 to `count - 1`. */
export function spreadTcp(
  frame: Uint8Array,
  ip: IpPacket,
  sourcePort: number,
  destinationPort: number,
  count: number,
): number {
  let hash = mixAddress(0, frame, ip.sourceAt, ip.addressLength);
  hash = mixAddress(hash, frame, ip.destinationAt, ip.addressLength);
  return finish(mix(hash, (sourcePort << 16) | destinationPort), count);
}

/** The stack of a UDP datagram, 0 to `count - 1`. */
export function spreadUdp(
  frame: Uint8Array,
  ip: IpPacket,
  sourcePort: number,
  count: number,
): number {
  return finish(mix(mixAddress(0, frame, ip.sourceAt, ip.addressLength), sourcePort), count);
}

function mixAddress(hash: number, frame: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < length; i += 4) hash = mix(hash, getU32(frame, at + i));
  return hash;
}

function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, SPREAD_WORD_FACTOR);
}

function finish(hash: number, count: number): number {
  hash = Math.imul(hash ^ (hash >>> SPREAD_FIRST_SHIFT), SPREAD_LAST_FACTOR);
  return ((hash ^ (hash >>> SPREAD_LAST_SHIFT)) >>> 0) % count;
}

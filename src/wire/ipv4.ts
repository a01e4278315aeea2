/**
 * The IPv4 header (RFC 791).
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { checksum } from "./checksum.ts";
import type { DropReason, IpPacket } from "./ip.ts";

const VERSION_IHL = 0;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FRAGMENT = 6;
const TTL = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;

/** Bytes of a header without options. */
export const IPV4_HEADER_LENGTH = 20;

const MORE_FRAGMENTS = 0x2000;
const DONT_FRAGMENT = 0x4000;
const FRAGMENT_OFFSET = 0x1fff;

/** Reads the packet at `bytes[start..end)` into `into`; returns why it must be dropped, or undefined when it is good. */
export function parseIpv4(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: IpPacket,
): DropReason | undefined {
  if (end - start < IPV4_HEADER_LENGTH) return "ipv4-truncated";
  const headerLength = (bytes[start + VERSION_IHL] & 0x0f) * 4;
  const totalLength = getU16(bytes, start + TOTAL_LENGTH);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return "ipv4-bad-length";
  if (totalLength > end - start) return "ipv4-truncated";
  if (checksum(bytes, start, start + headerLength) !== 0xffff) return "ipv4-bad-checksum";
  if ((getU16(bytes, start + FRAGMENT) & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0) {
    return "ipv4-fragment";
  }
  into.version = 4;
  into.addressLength = 4;
  into.start = start;
  into.sourceAt = start + SOURCE;
  into.destinationAt = start + DESTINATION;
  into.protocol = bytes[start + PROTOCOL];
  into.payloadAt = start + headerLength;
  into.payloadEnd = start + totalLength;
  into.hopLimit = bytes[start + TTL];
  return undefined;
}

/**
 * Writes a header of 20 bytes for a payload of `payloadLength` bytes. DF is set, so the identification may be
 * anything (RFC 6864, section 4.1): it stays 0.
 */
export function writeIpv4Header(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payloadLength: number,
  hopLimit: number,
): void {
  bytes[at + VERSION_IHL] = 0x45;
  bytes[at + 1] = 0;
  setU16(bytes, at + TOTAL_LENGTH, IPV4_HEADER_LENGTH + payloadLength);
  setU16(bytes, at + IDENTIFICATION, 0);
  setU16(bytes, at + FRAGMENT, DONT_FRAGMENT);
  bytes[at + TTL] = hopLimit;
  bytes[at + PROTOCOL] = protocol;
  setU16(bytes, at + CHECKSUM, 0);
  for (let i = 0; i < 4; i++) {
    bytes[at + SOURCE + i] = source[i];
    bytes[at + DESTINATION + i] = destination[i];
  }
  setU16(bytes, at + CHECKSUM, ~checksum(bytes, at, at + IPV4_HEADER_LENGTH));
}

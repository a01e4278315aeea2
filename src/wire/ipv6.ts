/**
 * The IPv6 header and the walk over its extension headers (RFC 8200).
 *
 * @module
 */

import { getU16, setU16, setU32 } from "../bytes.ts";
import type { DropReason, IpPacket } from "./ip.ts";

const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

/** Bytes of the fixed header. */
export const IPV6_HEADER_LENGTH = 40;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;

/** Reads the packet at `bytes[start..end)` into `into`; returns why it must be dropped, or undefined when it is good. */
export function parseIpv6(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: IpPacket,
): DropReason | undefined {
  if (end - start < IPV6_HEADER_LENGTH) return "ipv6-truncated";
  const payloadEnd = start + IPV6_HEADER_LENGTH + getU16(bytes, start + PAYLOAD_LENGTH);
  if (payloadEnd > end) return "ipv6-truncated";
  let next = bytes[start + NEXT_HEADER];
  let at = start + IPV6_HEADER_LENGTH;
  while (next === HOP_BY_HOP || next === ROUTING || next === DESTINATION_OPTIONS) {
    if (payloadEnd - at < 8) return "ipv6-truncated";
    next = bytes[at];
    at += (bytes[at + 1] + 1) * 8;
    if (at > payloadEnd) return "ipv6-truncated";
  }
  if (next === FRAGMENT) return "ipv6-fragment";
  into.version = 6;
  into.addressLength = 16;
  into.start = start;
  into.sourceAt = start + SOURCE;
  into.destinationAt = start + DESTINATION;
  into.protocol = next;
  into.payloadAt = at;
  into.payloadEnd = payloadEnd;
  into.hopLimit = bytes[start + HOP_LIMIT];
  return undefined;
}

/** Writes a header of 40 bytes for a payload of `payloadLength` bytes. */
export function writeIpv6Header(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payloadLength: number,
  hopLimit: number,
): void {
  setU32(bytes, at, 0x60000000);
  setU16(bytes, at + PAYLOAD_LENGTH, payloadLength);
  bytes[at + NEXT_HEADER] = protocol;
  bytes[at + HOP_LIMIT] = hopLimit;
  for (let i = 0; i < 16; i++) {
    bytes[at + SOURCE + i] = source[i];
    bytes[at + DESTINATION + i] = destination[i];
  }
}

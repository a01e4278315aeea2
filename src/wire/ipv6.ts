/**
 * The fixed header of IPv6 (RFC 8200). What may stand behind it is in `ipv6_extensions.ts`.
 *
 * @module
 */

import { getU16, setU16, setU32 } from "../bytes.ts";
import { type DropReason, type IpPacket, NO_ERROR } from "./ip.ts";

const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

/** Bytes of the fixed header. */
export const IPV6_HEADER_LENGTH = 40;

/** Where the payload's length stands: an answer about an impossible one points there. */
export const IPV6_PAYLOAD_LENGTH_OFFSET = PAYLOAD_LENGTH;

/**
 * Reads the fixed header at `bytes[start..end)` into `into`; returns why the packet must be dropped, or undefined when it is good.
 * `protocol` may be an extension header: `walkExtensions` goes on from there.
 */
export function parseIpv6(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: IpPacket,
): DropReason | undefined {
  into.errorType = NO_ERROR;
  if (end - start < IPV6_HEADER_LENGTH) return "ipv6-truncated";
  const payloadEnd = start + IPV6_HEADER_LENGTH + getU16(bytes, start + PAYLOAD_LENGTH);
  if (payloadEnd > end) return "ipv6-truncated";
  into.version = 6;
  into.addressLength = 16;
  into.start = start;
  into.sourceAt = start + SOURCE;
  into.destinationAt = start + DESTINATION;
  into.protocol = bytes[start + NEXT_HEADER];
  into.protocolAt = start + NEXT_HEADER;
  into.payloadAt = start + IPV6_HEADER_LENGTH;
  into.payloadEnd = payloadEnd;
  into.hopLimit = bytes[start + HOP_LIMIT];
  into.isFragment = false;
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
  trafficClass = 0,
): void {
  setU32(bytes, at, 0x60000000 | trafficClass << 20);
  setU16(bytes, at + PAYLOAD_LENGTH, payloadLength);
  bytes[at + NEXT_HEADER] = protocol;
  bytes[at + HOP_LIMIT] = hopLimit;
  for (let i = 0; i < 16; i++) {
    bytes[at + SOURCE + i] = source[i];
    bytes[at + DESTINATION + i] = destination[i];
  }
}

/** Changes the length of the payload of the header at `at`. */
export function setIpv6PayloadLength(bytes: Uint8Array, at: number, length: number): void {
  setU16(bytes, at + PAYLOAD_LENGTH, length);
}

/** Changes what follows the header at `at`, and returns what did before. */
export function setIpv6NextHeader(bytes: Uint8Array, at: number, next: number): number {
  const before = bytes[at + NEXT_HEADER];
  bytes[at + NEXT_HEADER] = next;
  return before;
}

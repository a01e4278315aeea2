/**
 * The IPv4 header (RFC 791).
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { checksum } from "./checksum.ts";
import { PARAMETER_PROBLEM } from "./icmp.ts";
import { type DropReason, type IpPacket, MAX_PACKET_LENGTH, NO_ERROR } from "./ip.ts";

const VERSION_IHL = 0;
const TRAFFIC_CLASS = 1;
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

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_LOOSE_ROUTE = 131;
const OPTION_STRICT_ROUTE = 137;

/**
 * Reads the packet at `bytes[start..end)` into `into`; returns why it must be dropped, or undefined when it is good. A TTL of
 * 1 or 0 is no reason at the packet's destination (RFC 1122, section 3.2.1.7).
 */
export function parseIpv4(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: IpPacket,
): DropReason | undefined {
  into.errorType = NO_ERROR;
  if (end - start < IPV4_HEADER_LENGTH) return "ipv4-truncated";
  const headerLength = (bytes[start + VERSION_IHL] & 0x0f) * 4;
  const totalLength = getU16(bytes, start + TOTAL_LENGTH);
  if (headerLength < IPV4_HEADER_LENGTH || totalLength < headerLength) return "ipv4-bad-length";
  if (totalLength > end - start) return "ipv4-truncated";
  if (checksum(bytes, start, start + headerLength) !== 0xffff) return "ipv4-bad-checksum";
  into.version = 4;
  into.addressLength = 4;
  into.start = start;
  into.sourceAt = start + SOURCE;
  into.destinationAt = start + DESTINATION;
  into.protocol = bytes[start + PROTOCOL];
  into.protocolAt = start + PROTOCOL;
  into.payloadAt = start + headerLength;
  into.payloadEnd = start + totalLength;
  into.hopLimit = bytes[start + TTL];
  const fragment = getU16(bytes, start + FRAGMENT);
  into.isFragment = (fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0;
  const bad = into.isFragment ? readFragment(bytes, fragment, into) : undefined;
  if (bad !== undefined || headerLength === IPV4_HEADER_LENGTH) return bad;
  return checkOptions(bytes, into);
}

/** Every piece but the last is a multiple of eight bytes, and the whole fits a packet (RFC 791, section 3.2). */
function readFragment(
  bytes: Uint8Array,
  field: number,
  into: IpPacket,
): DropReason | undefined {
  const length = into.payloadEnd - into.payloadAt;
  into.fragmentOffset = (field & FRAGMENT_OFFSET) * 8;
  into.moreFragments = (field & MORE_FRAGMENTS) !== 0;
  into.fragmentId = getU16(bytes, into.start + IDENTIFICATION);
  if (length === 0 || (into.moreFragments && length % 8 !== 0)) return "ipv4-bad-fragment";
  // "Ping of death": a last piece that ends beyond the longest packet there is.
  const whole = into.payloadAt - into.start + into.fragmentOffset + length;
  return whole > MAX_PACKET_LENGTH ? "ipv4-fragment-beyond-end" : undefined;
}

/**
 * Options are skipped (RFC 1122, section 3.2.1.8), but a source route is refused, since it leads around what an operator has
 * decided (RFC 7126, sections 4.3 and 4.4), and an impossible length is told to the sender (RFC 1122, section 3.2.2.5).
 */
function checkOptions(bytes: Uint8Array, into: IpPacket): DropReason | undefined {
  const end = into.payloadAt;
  let at = into.start + IPV4_HEADER_LENGTH;
  while (at < end && bytes[at] !== OPTION_END) {
    const type = bytes[at];
    if (type === OPTION_LOOSE_ROUTE || type === OPTION_STRICT_ROUTE) return "ipv4-source-route";
    if (type === OPTION_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1] : 0;
    if (length < 2 || at + length > end) {
      into.errorType = PARAMETER_PROBLEM;
      into.errorCode = 0;
      into.errorRest = (at - into.start) << 24;
      return "ipv4-bad-option";
    }
    at += length;
  }
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
  trafficClass = 0,
): void {
  bytes[at + VERSION_IHL] = 0x45;
  bytes[at + TRAFFIC_CLASS] = trafficClass;
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

/**
 * Makes the header at `at` that of the piece which starts `offset` bytes into the payload and ends the packet at `totalLength`.
 * DF is cleared, so that routers may cut further, and `identification` has to be one of its own (RFC 6864, section 4.3).
 */
export function writeIpv4Piece(
  bytes: Uint8Array,
  at: number,
  totalLength: number,
  identification: number,
  offset: number,
  more: boolean,
): void {
  const headerLength = (bytes[at + VERSION_IHL] & 0x0f) * 4;
  setU16(bytes, at + TOTAL_LENGTH, totalLength);
  setU16(bytes, at + IDENTIFICATION, identification);
  setU16(bytes, at + FRAGMENT, (offset >>> 3) | (more ? MORE_FRAGMENTS : 0));
  setU16(bytes, at + CHECKSUM, 0);
  setU16(bytes, at + CHECKSUM, ~checksum(bytes, at, at + headerLength));
}

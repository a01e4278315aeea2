/**
 * The walk over the extension headers of IPv6 (RFC 8200, section 4), and what the sender is told where it cannot go on.
 *
 * Nothing here acts on an option or a route: a host that forwards nothing has only to know what it may skip.
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../bytes.ts";
import {
  HEADER_FIELD,
  INCOMPLETE_CHAIN,
  PARAMETER_PROBLEM_V6,
  TOO_MANY_HEADERS,
  TOO_MANY_OPTIONS,
  UNRECOGNIZED_NEXT_HEADER,
  UNRECOGNIZED_OPTION,
} from "./icmp.ts";
import {
  type DropReason,
  type IpPacket,
  MAX_PACKET_LENGTH,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./ip.ts";
import { IPV6_HEADER_LENGTH, IPV6_PAYLOAD_LENGTH_OFFSET } from "./ipv6.ts";

const HOP_BY_HOP = 0;
const ROUTING = 43;
/** The Fragment header, as a protocol number. */
export const IPV6_FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;

/** Behind the header that says so there is nothing to look at (RFC 8200, section 4.7). */
export const NO_NEXT_HEADER = 59;

/** The shortest extension header, and the unit in which their lengths are counted. */
const UNIT = 8;
/** Bytes of a Fragment header. */
export const FRAGMENT_HEADER_LENGTH = 8;
const FRAGMENT_OFFSET_FIELD = 2;
const FRAGMENT_IDENTIFICATION = 4;
const OFFSET_MASK = 0xfff8;
const MORE_FRAGMENTS = 1;

const ROUTING_TYPE = 2;
const SEGMENTS_LEFT = 3;

const PAD_1 = 0;
const PAD_N = 1;

/** Chosen: each kind of header once, Destination Options twice, and as many again; RFC 7112 wants chains short, RFC 8883 lets a host say so. */
const MAX_EXTENSION_HEADERS = 8;
/** RFC 8504, section 5.3: what a host may reckon with in one header, padding not counted. */
const MAX_OPTIONS = 8;

/** Whether the protocol number names an extension header that this walk knows. */
export function isExtension(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === IPV6_FRAGMENT ||
    protocol === DESTINATION_OPTIONS;
}

/**
 * Moves `ip` on to the payload behind all extension headers, or to the piece behind a Fragment header; returns why the packet
 * must be dropped, with `ip.errorType` set where its sender is told, or undefined when it is good.
 */
export function walkExtensions(bytes: Uint8Array, ip: IpPacket): DropReason | undefined {
  for (let count = 0; isExtension(ip.protocol); count++) {
    const { protocol, payloadAt: at, payloadEnd } = ip;
    // Anywhere but first it is as unknown as any other number (RFC 8200, section 4).
    if (protocol === HOP_BY_HOP && count > 0) {
      return refuse(ip, UNRECOGNIZED_NEXT_HEADER, ip.protocolAt, "ipv6-hop-by-hop-not-first");
    }
    if (count === MAX_EXTENSION_HEADERS) {
      return refuse(ip, TOO_MANY_HEADERS, at, "ipv6-too-many-headers");
    }
    const length = extensionLength(bytes, protocol, at, payloadEnd);
    if (length === 0) return "ipv6-truncated";
    const bad = protocol === IPV6_FRAGMENT
      ? readFragment(bytes, ip)
      : protocol === ROUTING
      ? checkRouting(bytes, ip)
      : checkOptions(bytes, ip, at + length);
    if (bad !== undefined) return bad;
    ip.protocol = bytes[at];
    if (!ip.isFragment) ip.protocolAt = at;
    ip.payloadAt = at + length;
    if (ip.isFragment) return checkFragment(bytes, ip);
  }
  return undefined;
}

/** Bytes of the extension header at `at`; 0 when it does not end before `end`. */
function extensionLength(bytes: Uint8Array, protocol: number, at: number, end: number): number {
  if (end - at < UNIT) return 0;
  const length = protocol === IPV6_FRAGMENT ? FRAGMENT_HEADER_LENGTH : (bytes[at + 1] + 1) * UNIT;
  return at + length <= end ? length : 0;
}

function refuse(ip: IpPacket, code: number, at: number, reason: DropReason): DropReason {
  ip.errorType = PARAMETER_PROBLEM_V6;
  ip.errorCode = code;
  ip.errorRest = at - ip.start;
  return reason;
}

/** A route that still has stops asks us to forward; type 0 above all is not to be (RFC 5095; RFC 8200, section 4.4). */
function checkRouting(bytes: Uint8Array, ip: IpPacket): DropReason | undefined {
  if (bytes[ip.payloadAt + SEGMENTS_LEFT] === 0) return undefined;
  return refuse(ip, HEADER_FIELD, ip.payloadAt + ROUTING_TYPE, "ipv6-routing-header");
}

/** The two high bits of an option's type say what to do where it is unknown, and here every one is (RFC 8200, section 4.2). */
function checkOptions(bytes: Uint8Array, ip: IpPacket, end: number): DropReason | undefined {
  let count = 0;
  for (let at = ip.payloadAt + 2; at < end;) {
    const type = bytes[at];
    if (type === PAD_1) {
      at++;
      continue;
    }
    if (at + 1 >= end || at + 2 + bytes[at + 1] > end) {
      return refuse(ip, HEADER_FIELD, Math.min(at + 1, end - 1), "ipv6-bad-option");
    }
    if (type !== PAD_N) {
      const action = type >>> 6;
      if (action === 1) return "ipv6-unknown-option";
      // 10 and 11 differ for multicast alone, and no multicast packet comes this far.
      if (action > 1) return refuse(ip, UNRECOGNIZED_OPTION, at, "ipv6-unknown-option");
      if (++count > MAX_OPTIONS) return refuse(ip, TOO_MANY_OPTIONS, at, "ipv6-too-many-options");
    }
    at += 2 + bytes[at + 1];
  }
  return undefined;
}

/** Reads the Fragment header at `ip.payloadAt`. One that says "first and last" is no fragment (RFC 6946). */
function readFragment(bytes: Uint8Array, ip: IpPacket): DropReason | undefined {
  const field = getU16(bytes, ip.payloadAt + FRAGMENT_OFFSET_FIELD);
  ip.fragmentOffset = field & OFFSET_MASK;
  ip.moreFragments = (field & MORE_FRAGMENTS) !== 0;
  ip.fragmentId = getU32(bytes, ip.payloadAt + FRAGMENT_IDENTIFICATION);
  ip.isFragment = ip.fragmentOffset !== 0 || ip.moreFragments;
  return undefined;
}

/** What RFC 8200, section 4.5 asks of each fragment by itself. */
function checkFragment(bytes: Uint8Array, ip: IpPacket): DropReason | undefined {
  const { start, payloadAt, payloadEnd, fragmentOffset, moreFragments } = ip;
  const length = payloadEnd - payloadAt;
  if (moreFragments && length % 8 !== 0) {
    return refuse(ip, HEADER_FIELD, start + IPV6_PAYLOAD_LENGTH_OFFSET, "ipv6-bad-fragment");
  }
  if (length === 0) return "ipv6-bad-fragment";
  const unfragmentable = payloadAt - FRAGMENT_HEADER_LENGTH - start - IPV6_HEADER_LENGTH;
  if (unfragmentable + fragmentOffset + length > MAX_PACKET_LENGTH) {
    const field = payloadAt - FRAGMENT_HEADER_LENGTH + FRAGMENT_OFFSET_FIELD;
    return refuse(ip, HEADER_FIELD, field, "ipv6-fragment-beyond-end");
  }
  // RFC 7112, section 5: whoever filters packets must see all headers in the first piece.
  if (fragmentOffset === 0 && upperLayerAt(bytes, ip.protocol, payloadAt, payloadEnd) < 0) {
    return refuse(ip, INCOMPLETE_CHAIN, start, "ipv6-incomplete-header-chain");
  }
  return undefined;
}

/**
 * Where the upper-layer header starts of the chain that begins with `protocol` at `at`; -1 when it does not lie whole before `end`.
 * A look ahead that judges nothing.
 */
export function upperLayerAt(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
): number {
  while (isExtension(protocol)) {
    const length = extensionLength(bytes, protocol, at, end);
    if (length === 0) return -1;
    protocol = bytes[at];
    at += length;
  }
  return end - at < upperLayerLength(protocol) ? -1 : at;
}

/** The protocol number at the end of the chain that begins with `protocol` at `at`, as far as it lies before `end`. */
export function upperLayerProtocol(
  bytes: Uint8Array,
  protocol: number,
  at: number,
  end: number,
): number {
  while (isExtension(protocol)) {
    const length = extensionLength(bytes, protocol, at, end);
    if (length === 0) break;
    protocol = bytes[at];
    at += length;
  }
  return protocol;
}

function upperLayerLength(protocol: number): number {
  if (protocol === PROTOCOL_TCP) return 20;
  return protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMPV6 ? 8 : 0;
}

/** Writes a Fragment header for the piece that starts `offset` bytes into the payload. */
export function writeFragmentHeader(
  bytes: Uint8Array,
  at: number,
  protocol: number,
  identification: number,
  offset: number,
  more: boolean,
): void {
  bytes[at] = protocol;
  bytes[at + 1] = 0;
  setU16(bytes, at + FRAGMENT_OFFSET_FIELD, offset | (more ? MORE_FRAGMENTS : 0));
  setU32(bytes, at + FRAGMENT_IDENTIFICATION, identification);
}

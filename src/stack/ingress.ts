/**
 * From a frame to meaning: which protocol, which addresses, and whether the packet may be believed.
 *
 * @module
 */

import { checksum, pseudoHeaderSum } from "../wire/checksum.ts";
import {
  ICMP_HEADER_LENGTH,
  PARAMETER_PROBLEM_V6,
  PROTOCOL_UNREACHABLE,
  UNREACHABLE,
  UNREACHABLE_CODE,
  UNREACHABLE_V6,
  UNRECOGNIZED_NEXT_HEADER,
} from "../wire/icmp.ts";
import {
  type DropReason,
  type IpPacket,
  newIpPacket,
  NO_ERROR,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ip.ts";
import { parseIpv4 } from "../wire/ipv4.ts";
import { parseIpv6 } from "../wire/ipv6.ts";
import { isExtension, NO_NEXT_HEADER, walkExtensions } from "../wire/ipv6_extensions.ts";
import { newSegment, parseTcp, type Segment } from "../wire/tcp.ts";
import { type Datagram, newDatagram, parseUdp } from "../wire/udp.ts";
import { checksumIsTrusted, FRAME_HEADER_LENGTH } from "../wire/virtio.ts";

/** The shapes that every packet passes through, filled in place. */
export interface Parsed {
  readonly ip: IpPacket;
  readonly segment: Segment;
  readonly datagram: Datagram;
}

/** Empty shapes to fill. */
export function newParsed(): Parsed {
  return { ip: newIpPacket(), segment: newSegment(), datagram: newDatagram() };
}

/**
 * Reads a frame; returns why its packet must be dropped, or undefined when it is good. Of a fragment (`ip.isFragment`) nothing
 * behind its headers is read. Addresses come before all that could provoke an answer.
 */
export function parseFrame(
  frame: Uint8Array,
  length: number,
  into: Parsed,
): DropReason | undefined {
  const { ip } = into;
  ip.errorType = NO_ERROR;
  if (length <= FRAME_HEADER_LENGTH) return "frame-truncated";
  const version = frame[FRAME_HEADER_LENGTH] >>> 4;
  if (version !== 4 && version !== 6) return "ip-bad-version";
  const parse = version === 4 ? parseIpv4 : parseIpv6;
  const bad = parse(frame, FRAME_HEADER_LENGTH, length, ip);
  // An IPv4 option may be bad enough for an answer, which a bad address takes back.
  const badAddress = bad === undefined || ip.errorType !== NO_ERROR
    ? checkAddresses(frame, ip)
    : undefined;
  if (badAddress !== undefined || bad !== undefined) return badAddress ?? bad;
  if (version === 6 && isExtension(ip.protocol)) {
    const badChain = walkExtensions(frame, ip);
    if (badChain !== undefined) return badChain;
  }
  return ip.isFragment ? undefined : parsePayload(frame, into);
}

function parsePayload(frame: Uint8Array, into: Parsed): DropReason | undefined {
  const { ip } = into;
  const { protocol, payloadAt, payloadEnd } = ip;
  if (protocol === PROTOCOL_TCP) {
    const bad = parseTcp(frame, payloadAt, payloadEnd, into.segment);
    if (bad !== undefined) return bad;
    return transportSumIsGood(frame, ip) ? undefined : "tcp-bad-checksum";
  }
  if (protocol === PROTOCOL_UDP) {
    const bad = parseUdp(frame, payloadAt, payloadEnd, into.datagram);
    if (bad !== undefined) return bad;
    // No checksum is legal over IPv4 (RFC 768), and not over IPv6 (RFC 8200, section 8.1).
    if (into.datagram.checksum === 0) return ip.version === 4 ? undefined : "udp-no-checksum";
    return transportSumIsGood(frame, ip) ? undefined : "udp-bad-checksum";
  }
  if (protocol === (ip.version === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) {
    if (payloadEnd - payloadAt < ICMP_HEADER_LENGTH) return "icmp-truncated";
    return icmpSumIsGood(frame, ip) ? undefined : "icmp-bad-checksum";
  }
  return refuseProtocol(ip);
}

/** RFC 1122, section 3.2.2.1, and RFC 8200, section 4, tell the sender of a protocol that is not spoken here. */
function refuseProtocol(ip: IpPacket): DropReason {
  if (ip.version === 4) {
    ip.errorType = UNREACHABLE;
    ip.errorCode = PROTOCOL_UNREACHABLE;
    ip.errorRest = 0;
  } else {
    if (ip.protocol === NO_NEXT_HEADER) return "ipv6-no-next-header";
    ip.errorType = PARAMETER_PROBLEM_V6;
    ip.errorCode = UNRECOGNIZED_NEXT_HEADER;
    ip.errorRest = ip.protocolAt - ip.start;
  }
  return "ip-unknown-protocol";
}

function transportSumIsGood(frame: Uint8Array, ip: IpPacket): boolean {
  if (checksumIsTrusted(frame)) return true;
  const { sourceAt, destinationAt, addressLength, protocol, payloadAt, payloadEnd } = ip;
  const length = payloadEnd - payloadAt;
  const pseudo = pseudoHeaderSum(frame, sourceAt, destinationAt, addressLength, protocol, length);
  return checksum(frame, payloadAt, payloadEnd, pseudo) === 0xffff;
}

function icmpSumIsGood(frame: Uint8Array, ip: IpPacket): boolean {
  if (ip.version === 6) return transportSumIsGood(frame, ip);
  return checksum(frame, ip.payloadAt, ip.payloadEnd) === 0xffff;
}

/**
 * Addresses that no host may use as a source, or that are not for one host (RFC 1122, section 3.2.1.3; RFC 6890). A packet
 * between hosts of one link has lost its way (RFC 3927, section 7; RFC 4291, section 2.5.6): of these alone the sender is told.
 */
function checkAddresses(frame: Uint8Array, ip: IpPacket): DropReason | undefined {
  const reason = ip.version === 4 ? checkIpv4(frame, ip) : checkIpv6(frame, ip);
  if (reason === undefined) return undefined;
  ip.errorType = NO_ERROR;
  if (reason !== "ip-link-local-destination") return reason;
  ip.errorType = ip.version === 4 ? UNREACHABLE : UNREACHABLE_V6;
  const codes = UNREACHABLE_CODE["network-unreachable"];
  ip.errorCode = ip.version === 4 ? codes.v4 : codes.v6;
  ip.errorRest = 0;
  return reason;
}

function checkIpv4(frame: Uint8Array, { sourceAt, destinationAt }: IpPacket) {
  const source = frame[sourceAt];
  const destination = frame[destinationAt];
  if (source === 0 || source === 127 || source >= 224) return "ip-bad-source";
  if (source === 169 && frame[sourceAt + 1] === 254) return "ip-link-local-source";
  if (destination === 0 || destination === 127) return "ip-bad-destination";
  if (destination >= 224) return checkGroup(frame, destinationAt);
  const isLinkLocal = destination === 169 && frame[destinationAt + 1] === 254;
  return isLinkLocal ? "ip-link-local-destination" : undefined;
}

/** Multicast, what is reserved behind it, and the broadcast to everyone. */
function checkGroup(frame: Uint8Array, at: number): DropReason {
  if (frame[at] < 240) return "ip-multicast";
  const isBroadcast = (frame[at] & frame[at + 1] & frame[at + 2] & frame[at + 3]) === 255;
  return isBroadcast ? "ip-broadcast" : "ip-bad-destination";
}

function checkIpv6(frame: Uint8Array, { sourceAt, destinationAt }: IpPacket) {
  if (frame[sourceAt] === 0xff || isReservedV6(frame, sourceAt)) return "ip-bad-source";
  if (frame[destinationAt] === 0xff) return "ip-multicast";
  if (isLinkLocalV6(frame, sourceAt)) return "ip-link-local-source";
  if (isReservedV6(frame, destinationAt)) return "ip-bad-destination";
  return isLinkLocalV6(frame, destinationAt) ? "ip-link-local-destination" : undefined;
}

function isLinkLocalV6(frame: Uint8Array, at: number): boolean {
  return frame[at] === 0xfe && (frame[at + 1] & 0xc0) === 0x80;
}

/** The unspecified address, loopback, and IPv4-mapped addresses, which live inside a host (RFC 4291, section 2.5; RFC 6890). */
function isReservedV6(frame: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (frame[at + i] !== 0) return false;
  if (frame[at + 10] === 0xff && frame[at + 11] === 0xff) return true;
  for (let i = 10; i < 15; i++) if (frame[at + i] !== 0) return false;
  return frame[at + 15] <= 1;
}

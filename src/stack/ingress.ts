/**
 * From a frame to meaning: which protocol, which addresses, and whether the packet may be believed.
 *
 * @module
 */

import { checksum, pseudoHeaderSum } from "../wire/checksum.ts";
import { ICMP_HEADER_LENGTH } from "../wire/icmp.ts";
import {
  type DropReason,
  type IpPacket,
  newIpPacket,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ip.ts";
import { parseIpv4 } from "../wire/ipv4.ts";
import { parseIpv6 } from "../wire/ipv6.ts";
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

/** Reads a frame; returns why its packet must be dropped, or undefined when it is good. */
export function parseFrame(
  frame: Uint8Array,
  length: number,
  into: Parsed,
): DropReason | undefined {
  if (length <= FRAME_HEADER_LENGTH) return "frame-truncated";
  const version = frame[FRAME_HEADER_LENGTH] >>> 4;
  if (version !== 4 && version !== 6) return "ip-bad-version";
  const parse = version === 4 ? parseIpv4 : parseIpv6;
  const { ip } = into;
  return parse(frame, FRAME_HEADER_LENGTH, length, ip) ?? checkAddresses(frame, ip) ??
    parsePayload(frame, into);
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

/** Addresses that no host may use as a source, or that are not for one host (RFC 1122, section 3.2.1.3; RFC 4291). */
function checkAddresses(frame: Uint8Array, ip: IpPacket): DropReason | undefined {
  const { sourceAt, destinationAt } = ip;
  if (ip.version === 4) {
    const source = frame[sourceAt];
    const destination = frame[destinationAt];
    if (source === 0 || source === 127 || source >= 224) return "ip-bad-source";
    if (destination === 0 || destination === 127) return "ip-bad-destination";
    if (destination >= 224) return "ip-multicast";
    return undefined;
  }
  if (frame[sourceAt] === 0xff || isReservedV6(frame, sourceAt)) return "ip-bad-source";
  if (frame[destinationAt] === 0xff) return "ip-multicast";
  return isReservedV6(frame, destinationAt) ? "ip-bad-destination" : undefined;
}

/** The unspecified address and loopback. */
function isReservedV6(frame: Uint8Array, at: number): boolean {
  for (let i = 0; i < 15; i++) if (frame[at + i] !== 0) return false;
  return frame[at + 15] <= 1;
}

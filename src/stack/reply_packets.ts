/**
 * Packets that belong to no flow, built whole: RST for a segment of no connection, ICMP errors, echo replies, datagrams.
 *
 * @module
 */

import { setU16, setU32 } from "../bytes.ts";
import { checksum, pseudoHeaderSum } from "../wire/checksum.ts";
import {
  ECHO_REPLY,
  ECHO_REPLY_V6,
  ICMP_CHECKSUM_OFFSET,
  ICMP_CODE,
  ICMP_HEADER_LENGTH,
  ICMP_REST,
  ICMP_TYPE,
  UNREACHABLE,
  UNREACHABLE_CODE,
  UNREACHABLE_V6,
} from "../wire/icmp.ts";
import {
  type IpPacket,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../wire/ip.ts";
import { IPV4_HEADER_LENGTH, writeIpv4Header } from "../wire/ipv4.ts";
import { IPV6_HEADER_LENGTH, writeIpv6Header } from "../wire/ipv6.ts";
import {
  ACK,
  RST,
  type Segment,
  segmentLength,
  TCP_CHECKSUM_OFFSET,
  TCP_HEADER_LENGTH,
  writeTcpHeader,
} from "../wire/tcp.ts";
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_LENGTH, writeUdpHeader } from "../wire/udp.ts";
import { seqAdd } from "../wire/seq.ts";
import type { TcpSettings } from "../tcp/settings.ts";
import type { Refusal } from "../outcome.ts";

/** What every packet of ours starts with, unless it is told otherwise; Linux takes the same. */
export const HOP_LIMIT = 64;

/** How long an ICMP error may be in all (RFC 1812, section 4.3.2.3; RFC 4443, section 2.4 c). */
const MAX_ERROR_V4 = 576;
const MAX_ERROR_V6 = 1280;

/** Bytes of the IP header of a family. */
export function ipHeaderLength(version: 4 | 6): number {
  return version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
}

/** Writes the IP header of a family, from `source` to `destination`. */
export function writeIpHeader(
  version: 4 | 6,
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payloadLength: number,
  { hopLimit = HOP_LIMIT, diffserv = 0 }: Pick<TcpSettings, "hopLimit" | "diffserv"> = {},
): void {
  const write = version === 4 ? writeIpv4Header : writeIpv6Header;
  // The two bits below the code point are those of ECN.
  write(bytes, at, source, destination, protocol, payloadLength, hopLimit, diffserv << 2);
}

/** A packet with its payload still to be filled in: what `build` hands to its caller. */
function build(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payloadLength: number,
  checksumOffset: number,
  fill: (packet: Uint8Array, at: number) => void,
): Uint8Array {
  const version = source.length === 4 ? 4 : 6;
  const at = ipHeaderLength(version);
  const packet = new Uint8Array(at + payloadLength);
  writeIpHeader(version, packet, 0, source, destination, protocol, payloadLength);
  fill(packet, at);
  const sourceAt = version === 4 ? 12 : 8;
  const sum = protocol === PROTOCOL_ICMP ? 0 : pseudoHeaderSum(
    packet,
    sourceAt,
    sourceAt + source.length,
    source.length,
    protocol,
    payloadLength,
  );
  let value = ~checksum(packet, at, packet.length, sum) & 0xffff;
  // Zero means "no checksum" in UDP, so a computed zero goes as its other form (RFC 768).
  if (value === 0 && protocol === PROTOCOL_UDP) value = 0xffff;
  setU16(packet, at + checksumOffset, value);
  return packet;
}

/** A UDP datagram. */
export function datagramPacket(
  source: Uint8Array,
  sourcePort: number,
  destination: Uint8Array,
  destinationPort: number,
  payload: Uint8Array,
): Uint8Array {
  const length = UDP_HEADER_LENGTH + payload.length;
  return build(source, destination, PROTOCOL_UDP, length, UDP_CHECKSUM_OFFSET, (packet, at) => {
    writeUdpHeader(packet, at, sourcePort, destinationPort, payload.length);
    packet.set(payload, at + UDP_HEADER_LENGTH);
  });
}

/** The RST that a segment of no connection gets (RFC 9293, section 3.10.7.1). */
export function resetPacket(bytes: Uint8Array, packet: IpPacket, segment: Segment): Uint8Array {
  const hasAck = (segment.flags & ACK) !== 0;
  const seq = hasAck ? segment.ack : 0;
  const ack = hasAck ? 0 : seqAdd(segment.seq, segmentLength(segment));
  const flags = hasAck ? RST : RST | ACK;
  const source = addressAt(bytes, packet.destinationAt, packet);
  const destination = addressAt(bytes, packet.sourceAt, packet);
  return build(
    source,
    destination,
    PROTOCOL_TCP,
    TCP_HEADER_LENGTH,
    TCP_CHECKSUM_OFFSET,
    (to, at) => {
      const { sourcePort, destinationPort } = segment;
      writeTcpHeader(to, at, destinationPort, sourcePort, seq, ack, flags, 0, TCP_HEADER_LENGTH);
    },
  );
}

/** The echo reply to an echo request, its data copied (RFC 792; RFC 4443, section 4.2). */
export function echoReplyPacket(bytes: Uint8Array, packet: IpPacket): Uint8Array {
  const { payloadAt, payloadEnd, version } = packet;
  const source = addressAt(bytes, packet.destinationAt, packet);
  const destination = addressAt(bytes, packet.sourceAt, packet);
  return buildIcmp(source, destination, payloadEnd - payloadAt, (to, at) => {
    to.set(bytes.subarray(payloadAt, payloadEnd), at);
    to[at + ICMP_TYPE] = version === 4 ? ECHO_REPLY : ECHO_REPLY_V6;
    setU16(to, at + ICMP_CHECKSUM_OFFSET, 0);
  });
}

/** Destination unreachable about the packet `quoted`, as if its destination had sent it. */
export function unreachablePacket(
  quoted: Uint8Array,
  refusal: Exclude<Refusal, "reset">,
): Uint8Array {
  const codes = UNREACHABLE_CODE[refusal];
  return quoted[0] >>> 4 === 4
    ? errorPacket(quoted, UNREACHABLE, codes.v4, 0)
    : errorPacket(quoted, UNREACHABLE_V6, codes.v6, 0);
}

/**
 * An ICMP error about the packet `quoted`, as if its destination had sent it, with as much of the packet as one that nobody has to cut may
 * be long. `rest` are the four bytes behind the checksum.
 */
export function errorPacket(
  quoted: Uint8Array,
  type: number,
  code: number,
  rest: number,
): Uint8Array {
  const version = quoted[0] >>> 4 === 4 ? 4 : 6;
  const limit = version === 4 ? MAX_ERROR_V4 : MAX_ERROR_V6;
  const room = limit - ipHeaderLength(version) - ICMP_HEADER_LENGTH;
  const quote = quoted.subarray(0, room);
  const length = ICMP_HEADER_LENGTH + quote.length;
  return buildIcmp(targetOf(quoted), sourceOf(quoted), length, (packet, at) => {
    packet[at + ICMP_TYPE] = type;
    packet[at + ICMP_CODE] = code;
    setU32(packet, at + ICMP_REST, rest);
    packet.set(quote, at + ICMP_HEADER_LENGTH);
  });
}

function buildIcmp(
  source: Uint8Array,
  destination: Uint8Array,
  length: number,
  fill: (packet: Uint8Array, at: number) => void,
): Uint8Array {
  const protocol = source.length === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  return build(source, destination, protocol, length, ICMP_CHECKSUM_OFFSET, fill);
}

/** A copy of one of a packet's addresses. */
export function addressAt(bytes: Uint8Array, at: number, packet: IpPacket): Uint8Array {
  return bytes.slice(at, at + packet.addressLength);
}

/** The source of a packet, a view of it. */
export function sourceOf(packet: Uint8Array): Uint8Array {
  return packet[0] >>> 4 === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
}

/** The destination of a packet, a view of it. */
export function targetOf(packet: Uint8Array): Uint8Array {
  return packet[0] >>> 4 === 4 ? packet.subarray(16, 20) : packet.subarray(24, 40);
}

/** The protocol that the header of a packet names. */
export function protocolOf(packet: Uint8Array): number {
  return packet[packet[0] >>> 4 === 4 ? 9 : 6];
}

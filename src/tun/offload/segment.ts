/**
 * Makes plain packets out of a frame, as a network card would on the way to the wire: cuts what is longer than one
 * segment and completes checksums. The fast path never comes here; streams of packets and captures do.
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../../bytes.ts";
import { checksum, pseudoHeaderSum } from "../../wire/checksum.ts";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/ip.ts";
import { IPV6_HEADER_LENGTH } from "../../wire/ipv6.ts";
import { FIN, PSH, TCP_HEADER_LENGTH } from "../../wire/tcp.ts";
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_LENGTH } from "../../wire/udp.ts";
import {
  checksumOffset,
  checksumStart,
  FRAME_HEADER_LENGTH,
  GSO_NONE,
  GSO_UDP_L4,
  gsoSize,
  gsoType,
  needsChecksum,
} from "../../wire/virtio.ts";
import {
  IPV4_CHECKSUM,
  IPV4_IDENTIFICATION,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_SEQUENCE,
  UDP_LENGTH,
} from "./layout.ts";

/** "Congestion window reduced" belongs on the first piece alone (RFC 3168, section 6.1.2). */
export const CWR = 0x80;

/** The packets in the first `length` bytes of `frame`, each a copy. A header that does not fit its packet leaves it as it is. */
export function plainPackets(frame: Uint8Array, length: number): Uint8Array<ArrayBuffer>[] {
  const packet = frame.slice(FRAME_HEADER_LENGTH, length);
  if (!needsChecksum(frame)) return [packet];
  const start = checksumStart(frame);
  const field = start + checksumOffset(frame);
  if (field + 2 > packet.length) return [packet];
  const size = gsoSize(frame);
  const isUdp = gsoType(frame) === GSO_UDP_L4;
  if (gsoType(frame) === GSO_NONE || size === 0) {
    // The field already holds the sum of the pseudo-header, so it is part of what is summed.
    setChecksum(packet, field, checksum(packet, start, packet.length), field - start);
    return [packet];
  }
  const headerLength = start + (isUdp ? UDP_HEADER_LENGTH : tcpHeaderLength(packet, start));
  if (headerLength > packet.length) return [packet];
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = headerLength; at < packet.length || pieces.length === 0; at += size) {
    const end = Math.min(at + size, packet.length);
    const piece = new Uint8Array(headerLength + end - at);
    piece.set(packet.subarray(0, headerLength));
    piece.set(packet.subarray(at, end), headerLength);
    if (isUdp) setU16(piece, start + UDP_LENGTH, piece.length - start);
    else writeTcpPiece(piece, start, at - headerLength, end === packet.length);
    writeIpPiece(piece, start, pieces.length, isUdp ? PROTOCOL_UDP : PROTOCOL_TCP, field);
    pieces.push(piece);
  }
  return pieces;
}

function tcpHeaderLength(packet: Uint8Array, start: number): number {
  return start + TCP_HEADER_LENGTH > packet.length
    ? packet.length
    : (packet[start + TCP_DATA_OFFSET] >>> 4) * 4;
}

function writeTcpPiece(piece: Uint8Array, start: number, offset: number, isLast: boolean): void {
  setU32(piece, start + TCP_SEQUENCE, getU32(piece, start + TCP_SEQUENCE) + offset);
  if (!isLast) piece[start + TCP_FLAGS] &= ~(FIN | PSH);
  if (offset > 0) piece[start + TCP_FLAGS] &= ~CWR;
}

/** Lengths, identification and checksums of piece number `index`, whose transport header starts at `start`. */
function writeIpPiece(
  piece: Uint8Array,
  start: number,
  index: number,
  protocol: number,
  field: number,
): void {
  const isIpv4 = piece[0] >>> 4 === 4;
  if (isIpv4) {
    setU16(piece, IPV4_TOTAL_LENGTH, piece.length);
    setU16(piece, IPV4_IDENTIFICATION, getU16(piece, IPV4_IDENTIFICATION) + index);
    setU16(piece, IPV4_CHECKSUM, 0);
    setU16(piece, IPV4_CHECKSUM, ~checksum(piece, 0, start));
  } else {
    setU16(piece, IPV6_PAYLOAD_LENGTH, piece.length - IPV6_HEADER_LENGTH);
  }
  const source = isIpv4 ? IPV4_SOURCE : IPV6_SOURCE;
  const size = isIpv4 ? 4 : 16;
  const length = piece.length - start;
  const pseudo = pseudoHeaderSum(piece, source, source + size, size, protocol, length);
  setU16(piece, field, 0);
  setChecksum(piece, field, checksum(piece, start, piece.length, pseudo), field - start);
}

function setChecksum(packet: Uint8Array, at: number, sum: number, offset: number): void {
  const value = ~sum & 0xffff;
  // To UDP zero means "no checksum", so a computed zero goes as its other spelling (RFC 768).
  setU16(packet, at, value === 0 && offset === UDP_CHECKSUM_OFFSET ? 0xffff : value);
}

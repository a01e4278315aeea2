/**
 * Packets of ours that are longer than their path leave in pieces (RFC 791, section 3.2; RFC 8200, section 4.5). TCP makes segments
 * that fit instead, unless the path is too narrow for that.
 *
 * @module
 */

import { PROTOCOL_TCP } from "../wire/ip.ts";
import { IPV4_HEADER_LENGTH, writeIpv4Piece } from "../wire/ipv4.ts";
import { IPV6_HEADER_LENGTH, setIpv6NextHeader, setIpv6PayloadLength } from "../wire/ipv6.ts";
import {
  FRAGMENT_HEADER_LENGTH,
  IPV6_FRAGMENT,
  writeFragmentHeader,
} from "../wire/ipv6_extensions.ts";
import { clearFrameHeader, FRAME_HEADER_LENGTH } from "../wire/virtio.ts";
import type { OutSegment } from "../tcp/tcb.ts";
import { writePacket } from "./egress.ts";
import type { FlowEntry } from "./flow_table.ts";
import type { Identification } from "./identification.ts";
import { protocolOf, sourceOf, targetOf } from "./reply_packets.ts";

/** Cuts one packet at a time. It has no IP options and no extension headers, as all that this stack builds. */
export class Fragmenter {
  readonly #identification: Identification;
  #packet: Uint8Array | undefined;
  /** Bytes of payload that have left. */
  #offset = 0;
  /** Bytes of payload in each piece but the last: a multiple of eight. */
  #pieceLength = 0;
  #id = 0;

  /** Nothing to cut yet. */
  constructor(identification: Identification) {
    this.#identification = identification;
  }

  /** Writes the packet as a frame, or its first piece when it is longer than `mtu`; returns the length of the frame. */
  begin(packet: Uint8Array, mtu: number, frame: Uint8Array): number {
    const isV4 = packet[0] >>> 4 === 4;
    const protocol = protocolOf(packet);
    const isWhole = packet.length <= mtu;
    if (isWhole && (!isV4 || protocol === PROTOCOL_TCP)) return writePacket(packet, frame);
    this.#id = this.#identification.next(sourceOf(packet), targetOf(packet), protocol);
    if (isWhole) {
      // A router may cut it: nobody would look at "fragmentation needed" for it (RFC 1191, section 3).
      const length = writePacket(packet, frame);
      writeIpv4Piece(frame, FRAME_HEADER_LENGTH, packet.length, this.#id & 0xffff, 0, false);
      return length;
    }
    const headers = isV4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH + FRAGMENT_HEADER_LENGTH;
    this.#packet = packet;
    this.#offset = 0;
    this.#pieceLength = (mtu - headers) & ~7;
    return this.next(frame);
  }

  /** Writes the next piece of the packet as a frame; 0 when all have left. */
  next(frame: Uint8Array): number {
    const packet = this.#packet;
    if (packet === undefined) return 0;
    const isV4 = packet[0] >>> 4 === 4;
    const header = isV4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
    const offset = this.#offset;
    const start = header + offset;
    const end = Math.min(start + this.#pieceLength, packet.length);
    const more = end < packet.length;
    const at = FRAME_HEADER_LENGTH;
    clearFrameHeader(frame);
    frame.set(packet.subarray(0, header), at);
    const payloadAt = at + header + (isV4 ? 0 : FRAGMENT_HEADER_LENGTH);
    frame.set(packet.subarray(start, end), payloadAt);
    const length = payloadAt + end - start;
    if (isV4) {
      writeIpv4Piece(frame, at, length - at, this.#id & 0xffff, offset, more);
    } else {
      const protocol = setIpv6NextHeader(frame, at, IPV6_FRAGMENT);
      setIpv6PayloadLength(frame, at, length - at - IPV6_HEADER_LENGTH);
      writeFragmentHeader(frame, at + IPV6_HEADER_LENGTH, protocol, this.#id, offset, more);
    }
    this.#offset += this.#pieceLength;
    if (!more) this.#packet = undefined;
    return length;
  }
}

/** Lets routers cut the segment, or each segment of the super-packet, that stands as a frame of `length` bytes (IPv4). */
export function allowFragments(
  { source, destination }: FlowEntry,
  { payloadLength, segmentSize }: OutSegment,
  frame: Uint8Array,
  length: number,
  identification: Identification,
): void {
  // Whoever cuts a super-packet counts on from its identification.
  const count = segmentSize === 0 ? 1 : Math.ceil(payloadLength / segmentSize);
  const id = identification.next(destination, source, PROTOCOL_TCP, count) & 0xffff;
  writeIpv4Piece(frame, FRAME_HEADER_LENGTH, length - FRAME_HEADER_LENGTH, id, 0, false);
}

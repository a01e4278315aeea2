/**
 * From datagrams to frames: headers in front, checksums whole or left to the device, many of one association as one super-packet where the
 * device cuts them (USO), and those that are longer than their path in pieces.
 *
 * @module
 */

import { setU16 } from "../bytes.ts";
import { SendQueue } from "../udp/send_queue.ts";
import { checksum, fold } from "../wire/checksum.ts";
import { type DropReason, MAX_PACKET_LENGTH, PROTOCOL_UDP } from "../wire/ip.ts";
import { IPV4_HEADER_LENGTH, writeIpv4Piece } from "../wire/ipv4.ts";
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_LENGTH, writeUdpHeader } from "../wire/udp.ts";
import {
  clearFrameHeader,
  FRAME_HEADER_LENGTH,
  GSO_UDP_L4,
  writeFrameHeader,
} from "../wire/virtio.ts";
import type { DatagramPath } from "./association_entry.ts";
import { Fragmenter } from "./fragmentation.ts";
import type { Identification } from "./identification.ts";
import type { Limits } from "./limits.ts";
import type { PathMtus } from "./path_mtu.ts";
import { datagramPacket, ipHeaderLength, writeIpHeader } from "./reply_packets.ts";

/** Datagrams in one super-packet: UDP_MAX_SEGMENTS of linux/udp.h when USO came to TUN (Linux 6.2). */
const MAX_PIECES = 64;

/** The longest payload over IPv4 and over IPv6. */
const MAX_PAYLOAD_V4 = MAX_PACKET_LENGTH - IPV4_HEADER_LENGTH - UDP_HEADER_LENGTH;
const MAX_PAYLOAD_V6 = MAX_PACKET_LENGTH - UDP_HEADER_LENGTH;

/** What it needs to know of the stack around it. */
export interface DatagramEgressOptions {
  readonly mtu: number;
  readonly offload: boolean;
  readonly udpOffload?: boolean;
  readonly limits: Limits;
  readonly pathMtus: PathMtus;
  readonly identification: Identification;
  readonly drop: (reason: DropReason) => void;
}

/** Datagrams of all associations on their way to the device, in the order in which they came. */
export class DatagramEgress {
  readonly #options: DatagramEgressOptions;
  readonly #queue: SendQueue<DatagramPath>;
  readonly #fragmenter: Fragmenter;
  readonly #onDropped = (path: DatagramPath) => this.#lose(path, "limit-inbound-datagrams");

  /** Nothing to send yet. */
  constructor(options: DatagramEgressOptions) {
    this.#options = options;
    this.#queue = new SendQueue(options.limits.inboundDatagramBytes);
    this.#fragmenter = new Fragmenter(options.identification);
  }

  /** Adds a copy of a payload. */
  push(path: DatagramPath, payload: Uint8Array): void {
    const longest = path.version === 4 ? MAX_PAYLOAD_V4 : MAX_PAYLOAD_V6;
    if (payload.length > longest) this.#lose(path, "udp-too-long");
    else this.#queue.push(path, payload, this.#onDropped);
  }

  #lose(path: DatagramPath, reason: DropReason): void {
    path.association.inboundDropped++;
    this.#options.drop(reason);
  }

  /** Writes the next frame and returns its length; 0 when there is none. */
  poll(frame: Uint8Array, now: number): number {
    const length = this.#fragmenter.next(frame);
    if (length > 0) return length;
    const queue = this.#queue;
    const path = queue.owner;
    if (path === undefined) return 0;
    const { mtu, pathMtus, udpOffload } = this.#options;
    const headers = ipHeaderLength(path.version) + UDP_HEADER_LENGTH;
    const { size } = queue;
    const pathMtu = Math.min(mtu, pathMtus.get(path.source, now));
    if (headers + size > pathMtu) return this.#beginFragments(path, pathMtu, frame);
    const bytes = udpOffload ? queue.runBytes(MAX_PACKET_LENGTH - headers, MAX_PIECES) : size;
    queue.take(bytes, frame, FRAME_HEADER_LENGTH + headers);
    return this.#write(path, frame, bytes, size);
  }

  #beginFragments(path: DatagramPath, mtu: number, frame: Uint8Array): number {
    const { source, sourcePort, destination, destinationPort } = path;
    const payload = new Uint8Array(this.#queue.size);
    this.#queue.take(payload.length, payload, 0);
    const packet = datagramPacket(destination, destinationPort, source, sourcePort, payload);
    return this.#fragmenter.begin(packet, mtu, frame);
  }

  /** Puts headers in front of `bytes` bytes of payload, which are datagrams of `size` bytes each, the last one maybe shorter. */
  #write(path: DatagramPath, frame: Uint8Array, bytes: number, size: number): number {
    const { version, source, sourcePort, destination, destinationPort, ids } = path;
    const ipLength = ipHeaderLength(version);
    const udpAt = FRAME_HEADER_LENGTH + ipLength;
    const length = UDP_HEADER_LENGTH + bytes;
    const end = udpAt + length;
    writeIpHeader(version, frame, FRAME_HEADER_LENGTH, destination, source, PROTOCOL_UDP, length);
    if (version === 4) {
      // A router may cut it: nobody would look at "fragmentation needed" for it. Whoever cuts a super-packet counts on from its number.
      const id = this.#options.identification.take(ids, Math.ceil(bytes / size) || 1) & 0xffff;
      writeIpv4Piece(frame, FRAME_HEADER_LENGTH, end - FRAME_HEADER_LENGTH, id, 0, false);
    }
    writeUdpHeader(frame, udpAt, destinationPort, sourcePort, bytes);
    const pseudoSum = fold(path.pseudoSum + length);
    if (this.#options.offload) {
      setU16(frame, udpAt + UDP_CHECKSUM_OFFSET, pseudoSum);
      const headers = ipLength + UDP_HEADER_LENGTH;
      const gsoSize = bytes > size ? size : 0;
      writeFrameHeader(frame, GSO_UDP_L4, gsoSize, headers, ipLength, UDP_CHECKSUM_OFFSET);
    } else {
      clearFrameHeader(frame);
      const sum = ~checksum(frame, udpAt, end, pseudoSum) & 0xffff;
      // Zero means "no checksum", so a computed zero goes as its other form (RFC 768).
      setU16(frame, udpAt + UDP_CHECKSUM_OFFSET, sum === 0 ? 0xffff : sum);
    }
    return end;
  }
}

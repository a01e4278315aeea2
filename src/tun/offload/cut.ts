/**
 * Cuts a frame of TCP for a device without offload, in the memory in which it stands: the headers of each packet lie over the end of the
 * payload before it while it is written. So no payload is moved, and the stack has one path and not two.
 *
 * `segment.ts` does the same for those who keep the packets.
 *
 * @module
 */

import { setU16, setU32 } from "../../bytes.ts";
import { fold } from "../../wire/checksum.ts";
import { PROTOCOL_TCP } from "../../wire/ip.ts";
import { Sums } from "../../wire/sums.ts";
import { FIN, PSH, TCP_CHECKSUM_OFFSET } from "../../wire/tcp.ts";
import { UDP_CHECKSUM_OFFSET } from "../../wire/udp.ts";
import {
  checksumOffset,
  checksumStart,
  FRAME_HEADER_LENGTH,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
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
  MAX_HEADERS,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_SEQUENCE,
} from "./layout.ts";
import { CWR, plainPackets } from "./segment.ts";

/** Writes one packet; false when the device has no room for it. */
export type WritePacket = (packet: Uint8Array) => boolean;

/** Writes frames to a device that takes plain packets. */
export class Cutter {
  readonly #write: WritePacket;
  /** Of the buffer of the latest call, which is mostly that of the next one, too. */
  #sums: Sums;
  /** The headers of the frame, as they came. */
  readonly #headers = new Uint8Array(MAX_HEADERS);
  /** The end of the payload, while headers lie over it. */
  readonly #covered = new Uint8Array(MAX_HEADERS);

  /** `sums` are those of the buffer that frames will mostly stand in. */
  constructor(write: WritePacket, sums: Sums) {
    this.#write = write;
    this.#sums = sums;
  }

  /** Writes what the first `length` bytes of `frame` hold, and leaves them as they were; false when a packet of it is lost. */
  writeFrame(frame: Uint8Array, length: number): boolean {
    const start = FRAME_HEADER_LENGTH + checksumStart(frame);
    const isWhole = start + checksumOffset(frame) + 2 > length;
    if (!needsChecksum(frame) || isWhole) {
      return this.#write(frame.subarray(FRAME_HEADER_LENGTH, length));
    }
    if (!this.#sums.isOf(frame)) this.#sums = new Sums(frame);
    const type = gsoType(frame);
    const size = gsoSize(frame);
    if (type === GSO_NONE || size === 0) return this.#complete(frame, length);
    const isTcp = type === GSO_TCPV4 || type === GSO_TCPV6;
    const headersEnd = start + (frame[start + TCP_DATA_OFFSET] >>> 4) * 4;
    if (isTcp && headersEnd < length) return this.#cut(frame, length, size);
    // What this stack does not write is no matter of speed.
    return plainPackets(frame, length).map((packet) => this.#write(packet)).every(Boolean);
  }

  /** One packet, whose checksum field holds the sum of the pseudo-header. */
  #complete(frame: Uint8Array, length: number): boolean {
    const start = FRAME_HEADER_LENGTH + checksumStart(frame);
    const offset = checksumOffset(frame);
    const partial = this.#sums.view.getUint16(start + offset);
    const sum = ~this.#sums.sum(start, length) & 0xffff;
    // To UDP zero means "no checksum", so a computed zero goes as its other spelling (RFC 768).
    setU16(frame, start + offset, sum === 0 && offset === UDP_CHECKSUM_OFFSET ? 0xffff : sum);
    const isTaken = this.#write(frame.subarray(FRAME_HEADER_LENGTH, length));
    setU16(frame, start + offset, partial);
    return isTaken;
  }

  #cut(frame: Uint8Array, length: number, size: number): boolean {
    const ipLength = checksumStart(frame);
    const tcpAt = FRAME_HEADER_LENGTH + ipLength;
    const headerLength = ipLength + (frame[tcpAt + TCP_DATA_OFFSET] >>> 4) * 4;
    const headers = this.#headers.subarray(0, headerLength);
    headers.set(frame.subarray(FRAME_HEADER_LENGTH, FRAME_HEADER_LENGTH + headerLength));
    const fixed = this.#fixedSums(frame, ipLength);
    let isTaken = true;
    let index = 0;
    for (let at = FRAME_HEADER_LENGTH; at + headerLength < length; at += size) {
      const end = Math.min(at + headerLength + size, length);
      for (let i = 0; i < headerLength; i++) {
        this.#covered[i] = frame[at + i];
        frame[at + i] = headers[i];
      }
      this.#writeIp(frame, at, end, ipLength, index, fixed.ip);
      this.#writeTcp(frame, at + ipLength, end, index * size, end === length, fixed.pseudo);
      isTaken = this.#write(frame.subarray(at, end)) && isTaken;
      if (index++ > 0) { for (let i = 0; i < headerLength; i++) frame[at + i] = this.#covered[i]; }
    }
    frame.set(headers, FRAME_HEADER_LENGTH);
    return isTaken;
  }

  /** What is the same for all packets: of the IPv4 header without what changes, and of the pseudo-header without the length. */
  #fixedSums(
    frame: Uint8Array,
    ipLength: number,
  ): { readonly ip: number; readonly pseudo: number } {
    const at = FRAME_HEADER_LENGTH;
    const isV4 = frame[at] >>> 4 === 4;
    if (isV4) {
      setU16(frame, at + IPV4_TOTAL_LENGTH, 0);
      setU16(frame, at + IPV4_IDENTIFICATION, 0);
      setU16(frame, at + IPV4_CHECKSUM, 0);
    }
    const addresses = at + (isV4 ? IPV4_SOURCE : IPV6_SOURCE);
    return {
      ip: this.#sums.sum(at, at + ipLength),
      pseudo: this.#sums.sum(addresses, addresses + (isV4 ? 8 : 32), PROTOCOL_TCP),
    };
  }

  #writeIp(
    frame: Uint8Array,
    at: number,
    end: number,
    ipLength: number,
    index: number,
    fixed: number,
  ): void {
    if (frame[at] >>> 4 === 6) return setU16(frame, at + IPV6_PAYLOAD_LENGTH, end - at - ipLength);
    const id = (this.#sums.view.getUint16(at + IPV4_IDENTIFICATION) + index) & 0xffff;
    setU16(frame, at + IPV4_TOTAL_LENGTH, end - at);
    setU16(frame, at + IPV4_IDENTIFICATION, id);
    setU16(frame, at + IPV4_CHECKSUM, ~fold(fixed + end - at + id));
  }

  #writeTcp(
    frame: Uint8Array,
    at: number,
    end: number,
    offset: number,
    isLast: boolean,
    pseudo: number,
  ): void {
    setU32(frame, at + TCP_SEQUENCE, this.#sums.view.getUint32(at + TCP_SEQUENCE) + offset);
    if (!isLast) frame[at + TCP_FLAGS] &= ~(FIN | PSH);
    if (offset > 0) frame[at + TCP_FLAGS] &= ~CWR;
    setU16(frame, at + TCP_CHECKSUM_OFFSET, 0);
    setU16(frame, at + TCP_CHECKSUM_OFFSET, ~this.#sums.sum(at, end, pseudo + end - at));
  }
}

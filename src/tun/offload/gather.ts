/**
 * Makes one frame of packets that follow each other in one flow of TCP, as the kernel would for a device with offload: what costs by
 * the segment behind the device is then paid once for up to 45 of them.
 *
 * Each packet is read so that its payload lands right behind the payload before it. Its headers lie over the end of that
 * payload meanwhile, which is put back once they have been judged; so no payload is moved.
 *
 * Joined is only what a receiver could not tell from one long segment: the headers agree in all that does not count bytes, no byte
 * is missing, and every checksum is right. What differs, and what is wrong in any way, goes on alone and as it came.
 *
 * @module
 */

import { setU16 } from "../../bytes.ts";
import { checksum, pseudoHeaderSum } from "../../wire/checksum.ts";
import { PROTOCOL_TCP } from "../../wire/ip.ts";
import { PSH, TCP_CHECKSUM_OFFSET } from "../../wire/tcp.ts";
import { Sums } from "../../wire/sums.ts";
import {
  clearFrameHeader,
  FRAME_HEADER_LENGTH,
  GSO_TCPV4,
  GSO_TCPV6,
  MAX_FRAME_LENGTH,
  writeFrameHeader,
  writeVerifiedHeader,
} from "../../wire/virtio.ts";
import {
  IPV4_CHECKSUM,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  MAX_HEADERS,
  TCP_FLAGS,
} from "./layout.ts";
import { claimedLength, continues, type Run, startRun } from "./run.ts";

/** Reads one packet to the start of `into` and returns its length; 0 or less when none waits. */
export type ReadPacket = (into: Uint8Array) => number;

/** Reads frames from a device that hands over plain packets. */
export class Gatherer {
  readonly #read: ReadPacket;
  /** Of the buffer of the latest call, which is mostly that of the next one, too. */
  #sums: Sums;
  /** The end of the payload, while headers lie over it. */
  readonly #covered = new DataView(new ArrayBuffer(MAX_HEADERS));
  readonly #run: Run = { isV4: true, ipLength: 0, headerLength: 0, size: 0, nextSeq: 0 };
  /** A packet that was read and did not belong to the one before it. */
  readonly #held = new Uint8Array(MAX_FRAME_LENGTH);
  #heldLength = 0;
  /** Room without which no packet is read: the kernel cuts off what finds none. */
  #longest: number;

  /**
   * `mtu` is what is known of the longest packet; longer ones teach better. `sums` are those of the buffer that will mostly be read
   * into.
   */
  constructor(read: ReadPacket, mtu: number, sums: Sums) {
    this.#read = read;
    this.#sums = sums;
    this.#longest = mtu;
  }

  /** Whether a packet waits here, and no longer in the device. */
  get isHolding(): boolean {
    return this.#heldLength > 0;
  }

  /** Fills `into`, which has room for `MAX_FRAME_LENGTH` bytes, with a frame and returns its length; 0 when no packet waits. */
  readFrame(into: Uint8Array): number {
    const length = this.#takeHeld(into) || this.#read(into.subarray(FRAME_HEADER_LENGTH));
    if (length <= 0) return 0;
    if (!this.#sums.isOf(into)) this.#sums = new Sums(into);
    const sums = this.#sums;
    this.#longest = Math.max(this.#longest, length);
    const end = FRAME_HEADER_LENGTH + length;
    if (!startRun(sums, end, this.#run)) {
      clearFrameHeader(into);
      return end;
    }
    const joinedEnd = this.#gather(into, sums, end);
    if (joinedEnd === end) writeVerifiedHeader(into);
    else this.#writeHeaders(into, joinedEnd);
    return joinedEnd;
  }

  /** Reads packets behind the one that ends at `end`, as long as they go on where it stops; returns the end of the last one. */
  #gather(into: Uint8Array, sums: Sums, end: number): number {
    const { view } = sums;
    const { headerLength } = this.#run;
    const covered = this.#covered;
    for (;;) {
      const at = end - headerLength;
      if (MAX_FRAME_LENGTH - at < this.#longest) return end;
      for (let i = 0; i < headerLength; i += 4) covered.setInt32(i, view.getInt32(at + i));
      const length = this.#read(into.subarray(at, MAX_FRAME_LENGTH));
      const isNext = length > 0 && continues(sums, at, at + length, this.#run);
      const flags = isNext ? view.getUint8(at + this.#run.ipLength + TCP_FLAGS) : 0;
      if (length > 0 && !isNext) this.#hold(into, at, length);
      for (let i = 0; i < headerLength; i += 4) view.setInt32(at + i, covered.getInt32(i));
      if (!isNext) return end;
      end = at + length;
      const isLast = (flags & PSH) !== 0 || length < headerLength + this.#run.size;
      if (!isLast) continue;
      into[FRAME_HEADER_LENGTH + this.#run.ipLength + TCP_FLAGS] |= flags;
      return end;
    }
  }

  /** The headers of the first packet become those of the whole. */
  #writeHeaders(into: Uint8Array, end: number): void {
    const { isV4, ipLength, headerLength, size } = this.#run;
    const at = FRAME_HEADER_LENGTH;
    const tcpAt = at + ipLength;
    if (isV4) {
      setU16(into, at + IPV4_TOTAL_LENGTH, end - at);
      setU16(into, at + IPV4_CHECKSUM, 0);
      setU16(into, at + IPV4_CHECKSUM, ~checksum(into, at, tcpAt));
    } else setU16(into, at + IPV6_PAYLOAD_LENGTH, end - tcpAt);
    const source = at + (isV4 ? IPV4_SOURCE : IPV6_SOURCE);
    const bytes = isV4 ? 4 : 16;
    const sum = pseudoHeaderSum(into, source, source + bytes, bytes, PROTOCOL_TCP, end - tcpAt);
    setU16(into, tcpAt + TCP_CHECKSUM_OFFSET, sum);
    const type = isV4 ? GSO_TCPV4 : GSO_TCPV6;
    writeFrameHeader(into, type, size, headerLength, ipLength, TCP_CHECKSUM_OFFSET);
  }

  #hold(into: Uint8Array, at: number, length: number): void {
    // What fills the room to its end has lost its own: the next one of its kind shall not.
    const isCut = at + length === MAX_FRAME_LENGTH;
    if (isCut) this.#longest = Math.max(this.#longest, claimedLength(this.#sums.view, at));
    this.#held.set(into.subarray(at, at + length));
    this.#heldLength = length;
  }

  #takeHeld(into: Uint8Array): number {
    const length = this.#heldLength;
    if (length === 0) return 0;
    this.#heldLength = 0;
    into.set(this.#held.subarray(0, length), FRAME_HEADER_LENGTH);
    return length;
  }
}

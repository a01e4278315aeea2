/**
 * Whether packets of TCP may be told as one: what the first one has to be, and what the next one.
 *
 * @module
 */

import { IPV4_HEADER_LENGTH } from "../../wire/ipv4.ts";
import { IPV6_HEADER_LENGTH } from "../../wire/ipv6.ts";
import { PROTOCOL_TCP } from "../../wire/ip.ts";
import { seqAdd } from "../../wire/seq.ts";
import { ACK, PSH, TCP_HEADER_LENGTH } from "../../wire/tcp.ts";
import type { Sums } from "../../wire/sums.ts";
import { FRAME_HEADER_LENGTH } from "../../wire/virtio.ts";
import {
  IPV4_DONT_FRAGMENT,
  IPV4_FRAGMENT,
  IPV4_PLAIN,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV4_TTL,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  TCP_ACKNOWLEDGMENT,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_SEQUENCE,
  TCP_URGENT,
} from "./layout.ts";

/** The packets that have been joined so far; the headers of the first one stand at the start of the frame. */
export interface Run {
  isV4: boolean;
  /** Bytes of the IP header, and of it and the TCP header together. */
  ipLength: number;
  headerLength: number;
  /** Bytes of payload in the first packet: no later one may have more. */
  size: number;
  /** The sequence number behind the last byte. */
  nextSeq: number;
}

/** What stands in the flags of data that the next packet may go on from, beside its data offset. */
const PLAIN_DATA = ACK;
/** The bits of the word of data offset, flags and window that may differ. */
const PSH_BIT = PSH << 16;

/** Begins a run with the packet of a frame that ends at `end`, when it is whole, plain data of TCP and its checksums are right. */
export function startRun(sums: Sums, end: number, run: Run): boolean {
  const { view } = sums;
  const at = FRAME_HEADER_LENGTH;
  if (end - at < IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH) return false;
  run.isV4 = view.getUint8(at) === IPV4_PLAIN;
  if (!run.isV4 && view.getUint8(at) >>> 4 !== 6) return false;
  run.ipLength = run.isV4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  const tcpAt = at + run.ipLength;
  if (end - tcpAt < TCP_HEADER_LENGTH || claimedLength(view, at) !== end - at) return false;
  if (view.getUint8(tcpAt + TCP_FLAGS) !== PLAIN_DATA) return false;
  if (view.getUint16(tcpAt + TCP_URGENT) !== 0) return false;
  const protocolAt = at + (run.isV4 ? IPV4_TTL + 1 : IPV6_NEXT_HEADER);
  if (view.getUint8(protocolAt) !== PROTOCOL_TCP) return false;
  const fragment = run.isV4 ? view.getUint16(at + IPV4_FRAGMENT) : 0;
  if ((fragment & ~IPV4_DONT_FRAGMENT) !== 0) return false;
  const tcpLength = (view.getUint8(tcpAt + TCP_DATA_OFFSET) >>> 4) * 4;
  run.headerLength = run.ipLength + tcpLength;
  run.size = end - at - run.headerLength;
  if (tcpLength < TCP_HEADER_LENGTH || run.size <= 0 || !sumsAreRight(sums, at, end, run)) {
    return false;
  }
  run.nextSeq = seqAdd(view.getUint32(tcpAt + TCP_SEQUENCE), run.size);
  return true;
}

/** Takes the packet at `at..end` for the next one of the run, when it is. */
export function continues(sums: Sums, at: number, end: number, run: Run): boolean {
  const { view } = sums;
  const size = end - at - run.headerLength;
  if (size <= 0 || size > run.size || claimedLength(view, at) !== end - at) return false;
  const tcpAt = at + run.ipLength;
  if (view.getUint32(tcpAt + TCP_SEQUENCE) !== run.nextSeq) return false;
  const agrees = run.isV4 ? ipv4Agrees(view, at) : ipv6Agrees(view, at);
  if (!agrees || !tcpAgrees(view, tcpAt, run) || !sumsAreRight(sums, at, end, run)) return false;
  run.nextSeq = seqAdd(run.nextSeq, size);
  return true;
}

/** The length that the IP header at `at` claims for its packet. */
export function claimedLength(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4 === 6
    ? IPV6_HEADER_LENGTH + view.getUint16(at + IPV6_PAYLOAD_LENGTH)
    : view.getUint16(at + IPV4_TOTAL_LENGTH);
}

/** All but length, identification and checksum. */
function ipv4Agrees(view: DataView, at: number): boolean {
  const first = FRAME_HEADER_LENGTH;
  return view.getUint16(first) === view.getUint16(at) &&
    view.getUint16(first + IPV4_FRAGMENT) === view.getUint16(at + IPV4_FRAGMENT) &&
    view.getUint16(first + IPV4_TTL) === view.getUint16(at + IPV4_TTL) &&
    wordsAgree(view, first, at, IPV4_SOURCE, IPV4_HEADER_LENGTH);
}

/** All but the length. */
function ipv6Agrees(view: DataView, at: number): boolean {
  const first = FRAME_HEADER_LENGTH;
  return view.getUint32(first) === view.getUint32(at) &&
    view.getUint16(first + IPV6_NEXT_HEADER) === view.getUint16(at + IPV6_NEXT_HEADER) &&
    wordsAgree(view, first, at, IPV6_SOURCE, IPV6_HEADER_LENGTH);
}

/** All but the sequence number, which has been looked at, the checksum, and PSH. */
function tcpAgrees(view: DataView, tcpAt: number, run: Run): boolean {
  const first = FRAME_HEADER_LENGTH + run.ipLength;
  const control = view.getInt32(first + TCP_DATA_OFFSET) ^ view.getInt32(tcpAt + TCP_DATA_OFFSET);
  return view.getUint32(first) === view.getUint32(tcpAt) &&
    wordsAgree(view, first, tcpAt, TCP_ACKNOWLEDGMENT, TCP_DATA_OFFSET) &&
    (control & ~PSH_BIT) === 0 &&
    view.getUint16(tcpAt + TCP_URGENT) === 0 &&
    wordsAgree(view, first, tcpAt, TCP_HEADER_LENGTH, run.headerLength - run.ipLength);
}

function wordsAgree(view: DataView, a: number, b: number, from: number, to: number): boolean {
  for (let i = from; i < to; i += 4) {
    if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
  }
  return true;
}

function sumsAreRight(sums: Sums, at: number, end: number, run: Run): boolean {
  const tcpAt = at + run.ipLength;
  if (run.isV4 && sums.sum(at, tcpAt) !== 0xffff) return false;
  // Both addresses stand side by side in front of the payload's length and the protocol (RFC 9293, section 3.1).
  const addresses = at + (run.isV4 ? IPV4_SOURCE : IPV6_SOURCE);
  const pseudo = sums.sum(addresses, tcpAt, PROTOCOL_TCP + end - tcpAt);
  return sums.sum(tcpAt, end, pseudo) === 0xffff;
}

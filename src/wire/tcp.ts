/**
 * The TCP header (RFC 9293, section 3.1) as meaning: a {@linkcode Segment} that is filled in place.
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../bytes.ts";
import type { DropReason } from "./ip.ts";
import { newOptions, parseTcpOptions, type TcpOptions } from "./tcp_options.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
/** Where the checksum stands: a virtio header needs to know. */
export const TCP_CHECKSUM_OFFSET = 16;
const URGENT = 18;

/** Bytes of a header without options. */
export const TCP_HEADER_LENGTH = 20;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** One segment as it came in. `payloadAt` and `payloadEnd` point into the buffer it was parsed from. */
export interface Segment {
  sourcePort: number;
  destinationPort: number;
  seq: number;
  ack: number;
  /** The flag bits, for instance `SYN | ACK`. */
  flags: number;
  /** As it stands in the header, not scaled. */
  window: number;
  payloadAt: number;
  payloadEnd: number;
  options: TcpOptions;
}

/** An empty shape to fill. */
export function newSegment(): Segment {
  return {
    sourcePort: 0,
    destinationPort: 0,
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    payloadAt: 0,
    payloadEnd: 0,
    options: newOptions(),
  };
}

/** Sequence numbers that the segment takes: payload, SYN and FIN (RFC 9293, section 3.4). */
export function segmentLength(segment: Segment): number {
  return segment.payloadEnd - segment.payloadAt + ((segment.flags & SYN) !== 0 ? 1 : 0) +
    ((segment.flags & FIN) !== 0 ? 1 : 0);
}

/** Reads the segment at `bytes[at..end)` into `into`; returns why it must be dropped, or undefined when it is good. */
export function parseTcp(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: Segment,
): DropReason | undefined {
  if (end - at < TCP_HEADER_LENGTH) return "tcp-truncated";
  const headerLength = (bytes[at + DATA_OFFSET] >>> 4) * 4;
  if (headerLength < TCP_HEADER_LENGTH || headerLength > end - at) return "tcp-bad-header-length";
  into.sourcePort = getU16(bytes, at + SOURCE_PORT);
  into.destinationPort = getU16(bytes, at + DESTINATION_PORT);
  if (into.sourcePort === 0 || into.destinationPort === 0) return "tcp-port-zero";
  into.seq = getU32(bytes, at + SEQUENCE);
  into.ack = getU32(bytes, at + ACKNOWLEDGMENT);
  into.flags = bytes[at + FLAGS];
  into.window = getU16(bytes, at + WINDOW);
  into.payloadAt = at + headerLength;
  into.payloadEnd = end;
  parseTcpOptions(bytes, at + TCP_HEADER_LENGTH, into.payloadAt, into.options);
  return undefined;
}

/** Writes the header in front of options that end at `at + headerLength`; the checksum field is left 0. */
export function writeTcpHeader(
  bytes: Uint8Array,
  at: number,
  sourcePort: number,
  destinationPort: number,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  headerLength: number,
): void {
  setU16(bytes, at + SOURCE_PORT, sourcePort);
  setU16(bytes, at + DESTINATION_PORT, destinationPort);
  setU32(bytes, at + SEQUENCE, seq);
  setU32(bytes, at + ACKNOWLEDGMENT, ack);
  bytes[at + DATA_OFFSET] = (headerLength >>> 2) << 4;
  bytes[at + FLAGS] = flags;
  setU16(bytes, at + WINDOW, window);
  setU16(bytes, at + TCP_CHECKSUM_OFFSET, 0);
  setU16(bytes, at + URGENT, 0);
}

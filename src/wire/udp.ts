/**
 * The UDP header (RFC 768).
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import type { DropReason } from "./ip.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
/** Where the checksum stands. */
export const UDP_CHECKSUM_OFFSET = 6;

/** Bytes of the header. */
export const UDP_HEADER_LENGTH = 8;

/** One datagram as it came in; the payload points into the buffer it was parsed from. */
export interface Datagram {
  sourcePort: number;
  destinationPort: number;
  /** 0 when the sender computed none, which IPv4 alone allows. */
  checksum: number;
  payloadAt: number;
  payloadEnd: number;
}

/** An empty shape to fill. */
export function newDatagram(): Datagram {
  return { sourcePort: 0, destinationPort: 0, checksum: 0, payloadAt: 0, payloadEnd: 0 };
}

/** Reads the datagram at `bytes[at..end)` into `into`; returns why it must be dropped, or undefined when it is good. */
export function parseUdp(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: Datagram,
): DropReason | undefined {
  if (end - at < UDP_HEADER_LENGTH) return "udp-truncated";
  const length = getU16(bytes, at + LENGTH);
  if (length < UDP_HEADER_LENGTH || length > end - at) return "udp-bad-length";
  into.sourcePort = getU16(bytes, at + SOURCE_PORT);
  into.destinationPort = getU16(bytes, at + DESTINATION_PORT);
  if (into.destinationPort === 0) return "udp-port-zero";
  into.checksum = getU16(bytes, at + UDP_CHECKSUM_OFFSET);
  into.payloadAt = at + UDP_HEADER_LENGTH;
  into.payloadEnd = at + length;
  return undefined;
}

/** Writes the header for a payload of `payloadLength` bytes; the checksum field is left 0. */
export function writeUdpHeader(
  bytes: Uint8Array,
  at: number,
  sourcePort: number,
  destinationPort: number,
  payloadLength: number,
): void {
  setU16(bytes, at + SOURCE_PORT, sourcePort);
  setU16(bytes, at + DESTINATION_PORT, destinationPort);
  setU16(bytes, at + LENGTH, UDP_HEADER_LENGTH + payloadLength);
  setU16(bytes, at + UDP_CHECKSUM_OFFSET, 0);
}

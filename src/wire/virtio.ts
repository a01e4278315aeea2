/**
 * The virtio-net header: the ten bytes that travel in front of a packet and say what is left to do on it
 * (virtio 1.2, section 5.1.6; `struct virtio_net_hdr` of Linux). All fields are little-endian: x86-64 and
 * AArch64 are, and TUN uses the machine's order unless it is told otherwise.
 *
 * A *frame* in this project is such a header followed by one IP packet. Every device speaks frames; one without
 * offload has ten zero bytes there.
 *
 * @module
 */

/** Bytes in front of each packet in a frame. */
export const FRAME_HEADER_LENGTH = 10;

/** The largest frame: a header and the longest IP packet. */
export const MAX_FRAME_LENGTH = FRAME_HEADER_LENGTH + 65_535;

const FLAGS = 0;
const GSO_TYPE = 1;
const HEADER_LENGTH = 2;
const GSO_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;

/** The checksum field holds the pseudo-header sum only; whoever puts the packet on a wire finishes it. */
export const FLAG_NEEDS_CHECKSUM = 1;
/** The checksum was verified by whoever handed the packet over. */
export const FLAG_DATA_VALID = 2;

/** One packet, to be sent as it is. */
export const GSO_NONE = 0;
/** A TCP segment over IPv4 that is to be cut into pieces of `gsoSize`. */
export const GSO_TCPV4 = 1;
/** The same over IPv6. */
export const GSO_TCPV6 = 4;
/** UDP datagrams that share one header (USO). */
export const GSO_UDP_L4 = 5;
/** Flag beside the type: the first piece has CWR set (RFC 3168). */
export const GSO_ECN = 0x80;

/** Whether the transport checksum of the frame's packet needs no look: it is partial, or was verified. */
export function checksumIsTrusted(frame: Uint8Array): boolean {
  return (frame[FLAGS] & (FLAG_NEEDS_CHECKSUM | FLAG_DATA_VALID)) !== 0;
}

/** Whether the transport checksum still has to be finished before a wire may see the packet. */
export function needsChecksum(frame: Uint8Array): boolean {
  return (frame[FLAGS] & FLAG_NEEDS_CHECKSUM) !== 0;
}

/** The kind of segmentation left to do, without the ECN flag. */
export function gsoType(frame: Uint8Array): number {
  return frame[GSO_TYPE] & ~GSO_ECN;
}

/** Payload bytes of each piece; 0 when the packet is not to be cut. */
export function gsoSize(frame: Uint8Array): number {
  return frame[GSO_SIZE] | (frame[GSO_SIZE + 1] << 8);
}

/** Where the checksummed part starts, counted from the packet's first byte. */
export function checksumStart(frame: Uint8Array): number {
  return frame[CHECKSUM_START] | (frame[CHECKSUM_START + 1] << 8);
}

/** Where the checksum field stands, counted from `checksumStart`. */
export function checksumOffset(frame: Uint8Array): number {
  return frame[CHECKSUM_OFFSET] | (frame[CHECKSUM_OFFSET + 1] << 8);
}

/** Marks the frame as a plain packet: nothing left to do. */
export function clearFrameHeader(frame: Uint8Array): void {
  for (let i = 0; i < FRAME_HEADER_LENGTH; i++) frame[i] = 0;
}

/** Marks the frame as a plain packet whose transport checksum has been verified. */
export function writeVerifiedHeader(frame: Uint8Array): void {
  clearFrameHeader(frame);
  frame[FLAGS] = FLAG_DATA_VALID;
}

/** Writes a header that leaves the checksum, and where `size` > 0 the cutting, to the receiver of the frame. */
export function writeFrameHeader(
  frame: Uint8Array,
  type: number,
  size: number,
  headerLength: number,
  start: number,
  offset: number,
): void {
  frame[FLAGS] = FLAG_NEEDS_CHECKSUM;
  frame[GSO_TYPE] = size > 0 ? type : GSO_NONE;
  setU16Le(frame, HEADER_LENGTH, headerLength);
  setU16Le(frame, GSO_SIZE, size);
  setU16Le(frame, CHECKSUM_START, start);
  setU16Le(frame, CHECKSUM_OFFSET, offset);
}

function setU16Le(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

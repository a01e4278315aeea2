/**
 * UDP written and read in the plainest way: the naive twin of what the stack does with datagrams. It shares no code with the library.
 *
 * @module
 */

import { HOSTS, ipPacket, join, rejoin, summed, u16, u32 } from "./naive_ip.ts";
import { FRAME_HEADER, naiveSum } from "./naive_packet.ts";

/** What a program sends. */
export interface NaiveDatagram {
  readonly family?: 4 | 6;
  readonly sourcePort?: number;
  readonly port?: number;
  readonly data: Uint8Array;
  /** Where it goes; the far host of the family unless given. */
  readonly destination?: Uint8Array;
  /** Writes this in place of the right checksum. */
  readonly checksum?: number;
  /** `data` is many datagrams of this length, which share the header (USO); their checksums are left to the reader. */
  readonly segmentSize?: number;
}

/** The datagram, or the super-packet, as a frame. */
export function datagramFrame(datagram: NaiveDatagram): Uint8Array<ArrayBuffer> {
  const { family = 4, sourcePort = 12_345, port = 443, data, checksum, segmentSize } = datagram;
  const { program: source, far } = HOSTS[family];
  const { destination = far } = datagram;
  const length = 8 + data.length;
  const udp = join([...u16(sourcePort), ...u16(port), ...u16(length), 0, 0], data);
  summed(udp, 6, 17, source, destination);
  if (checksum !== undefined) udp.set(u16(checksum), 6);
  const header = new Uint8Array(FRAME_HEADER);
  if (segmentSize !== undefined) {
    udp.set(u16(naiveSum(pseudoHeader(source, destination, length))), 6);
    const at = family === 4 ? 20 : 40;
    // Flag, type, and four little-endian numbers: length of headers, size of pieces, start and offset of the checksum.
    header.set([1, 5, at + 8, 0, segmentSize & 255, segmentSize >>> 8, at, 0, 6, 0]);
  }
  return join(header, ipPacket({ source, destination, protocol: 17, payload: udp }));
}

/** What a frame carries to a program. */
export interface ReadDatagrams {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly datagrams: Uint8Array[];
}

/** Reads the frame of one datagram or of a super-packet; throws when anything about it is wrong, a checksum above all. */
export function readFrame(frame: Uint8Array): ReadDatagrams {
  const packet = frame.subarray(FRAME_HEADER);
  const isV4 = packet[0] >>> 4 === 4;
  const at = isV4 ? 20 : 40;
  check((isV4 ? view(packet, 2) : 40 + view(packet, 4)) === packet.length, "length of the packet");
  check(!isV4 || naiveSum(packet.subarray(0, 20)) === 0xffff, "IPv4 checksum");
  check(packet[isV4 ? 9 : 6] === 17, "protocol is not UDP");
  const udp = packet.subarray(at);
  check(view(udp, 4) === udp.length, "length of the datagram");
  const source = isV4 ? packet.slice(12, 16) : packet.slice(8, 24);
  const destination = isV4 ? packet.slice(16, 20) : packet.slice(24, 40);
  const pseudo = pseudoHeader(source, destination, udp.length);
  const data = udp.subarray(8);
  const size = frame[4] + frame[5] * 256;
  if (frame[0] === 1) {
    check(view(udp, 6) === naiveSum(pseudo), "partial checksum");
    check(frame[6] === at && frame[8] === 6, "place of the checksum");
    check(frame[1] === (size > 0 ? 5 : 0), "type of segmentation");
    check(size === 0 || (size < data.length && data.length <= 64 * size), "number of pieces");
    check(size === 0 || frame[2] === at + 8, "length of headers");
  } else {
    check(frame.subarray(0, FRAME_HEADER).every((byte) => byte === 0), "frame header is not plain");
    check(view(udp, 6) !== 0, "no checksum");
    check(naiveSum(pseudo, udp) === 0xffff, "checksum");
  }
  const datagrams: Uint8Array[] = [];
  const step = size || Math.max(1, data.length);
  for (let i = 0; i < Math.max(1, data.length); i += step) datagrams.push(data.slice(i, i + step));
  return {
    source,
    destination,
    sourcePort: view(udp, 0),
    destinationPort: view(udp, 2),
    datagrams,
  };
}

/** The same for a datagram that came in pieces. */
export function readPieces(frames: readonly Uint8Array[]): ReadDatagrams {
  return readFrame(join(
    new Uint8Array(FRAME_HEADER),
    rejoin(frames.map((frame) => frame.subarray(FRAME_HEADER))),
  ));
}

/** Whether the frame's packet is a piece of one. */
export function isPiece(frame: Uint8Array): boolean {
  const packet = frame.subarray(FRAME_HEADER);
  return packet[0] >>> 4 === 4 ? (view(packet, 6) & 0x3fff) !== 0 : packet[6] === 44;
}

function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  return join(source, destination, u32(length), [0, 0, 0, 17]);
}

function view(bytes: Uint8Array, at: number): number {
  return bytes[at] * 256 + bytes[at + 1];
}

function check(isGood: boolean, what: string): void {
  if (!isGood) throw new Error(`Bad datagram: ${what}`);
}

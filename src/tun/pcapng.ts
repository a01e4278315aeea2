/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as tcpdump, tshark and Wireshark read them: bytes only, nothing is written here.
 * In the order of little-endian machines, which the section header announces.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION_MAJOR = 1;
/** Raw IP: the packet starts with its version (LINKTYPE_RAW of tcpdump.org). */
const LINKTYPE_RAW = 101;

const OPTION_END = 0;
const OPTION_COMMENT = 1;
const SECTION_APPLICATION = 4;
const INTERFACE_NAME = 2;
const PACKET_FLAGS = 2;
const PACKET_DROP_COUNT = 4;
/** Values of the direction in the packet flags. */
const DIRECTIONS = { inbound: 1, outbound: 2 } as const;
/** The options' length is 16 bits; a comment is one line. */
const MAX_COMMENT_BYTES = 1024;

/** What a packet block says beside the packet. */
export interface PacketNotes {
  /** Microseconds since 1970. */
  readonly timeUs: number;
  readonly direction: "inbound" | "outbound";
  /** A word about the packet, for instance its flow's name; cut at 1024 bytes. */
  readonly comment?: string;
  /** Packets that were lost to the capture since the block before. */
  readonly dropped?: number;
}

/** The block that a file starts with. */
export function sectionHeader(application: string): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(16);
  const fields = new DataView(body.buffer);
  fields.setUint32(0, BYTE_ORDER_MAGIC, true);
  fields.setUint16(4, VERSION_MAJOR, true);
  fields.setBigInt64(8, -1n, true); // the section's length is not known
  return block(SECTION_HEADER, body, [option(SECTION_APPLICATION, text(application))]);
}

/** Describes an interface of raw IP packets; the first one of a file has the number 0. */
export function interfaceDescription(name: string): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(8); // reserved bytes and a snap length of 0: no limit
  new DataView(body.buffer).setUint16(0, LINKTYPE_RAW, true);
  return block(INTERFACE_DESCRIPTION, body, [option(INTERFACE_NAME, text(name))]);
}

/** One packet of interface 0. */
export function enhancedPacket(packet: Uint8Array, notes: PacketNotes): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(20 + padded(packet.length));
  const fields = new DataView(body.buffer);
  const time = BigInt(Math.round(notes.timeUs));
  fields.setUint32(4, Number(time >> 32n), true);
  fields.setUint32(8, Number(time & 0xffffffffn), true);
  fields.setUint32(12, packet.length, true);
  fields.setUint32(16, packet.length, true);
  body.set(packet, 20);
  const options = [option(PACKET_FLAGS, u32(DIRECTIONS[notes.direction]))];
  if (notes.dropped) {
    options.push(option(PACKET_DROP_COUNT, concatBytes([u32(notes.dropped), u32(0)])));
  }
  if (notes.comment) {
    options.push(option(OPTION_COMMENT, text(notes.comment).subarray(0, MAX_COMMENT_BYTES)));
  }
  return block(ENHANCED_PACKET, body, options);
}

/** Type and length, the body, the options, and the length again, so that a reader can walk backwards. */
function block(type: number, body: Uint8Array, options: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = [body, ...options, option(OPTION_END, new Uint8Array())];
  const length = parts.reduce((sum, part) => sum + part.length, 12);
  return concatBytes([u32(type), u32(length), ...parts, u32(length)]);
}

function option(code: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + padded(value.length));
  const fields = new DataView(bytes.buffer);
  fields.setUint16(0, code, true);
  fields.setUint16(2, value.length, true);
  bytes.set(value, 4);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/**
 * IP packets, their fragments and ICMP written and read in the plainest way: the naive twin of `src/wire` and `src/stack` beside TCP.
 * It shares no code with the library, so that a mistake there is seen from outside.
 *
 * @module
 */

import { FRAME_HEADER, naiveSum } from "./naive_packet.ts";

/** The program's host and a far one, by family. */
export const HOSTS = {
  4: {
    program: Uint8Array.of(198, 18, 0, 1),
    far: Uint8Array.of(203, 0, 113, 5),
    texts: ["198.18.0.1", "203.0.113.5"],
  },
  6: {
    program: Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    far: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5),
    texts: ["fd00::1", "2001:db8::5"],
  },
} as const;

/** 16 bits in network order. */
export function u16(value: number): number[] {
  return [value >>> 8 & 255, value & 255];
}

/** 32 bits in network order. */
export function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value)];
}

/** Joins bytes, however they are given. */
export function join(...parts: (Uint8Array | number[])[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What may be said of an IP packet. */
export interface NaiveIp {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly hopLimit?: number;
  /** IPv4: a multiple of four bytes. */
  readonly options?: number[];
  /** IPv4: identification, and the field of flags and offset. */
  readonly fragment?: readonly [id: number, field: number];
}

/** The packet, without a frame around it. */
export function ipPacket(packet: NaiveIp): Uint8Array<ArrayBuffer> {
  const { source, destination, protocol, payload, hopLimit = 64 } = packet;
  if (source.length === 16) {
    const fixed = [0x60, 0, 0, 0, ...u16(payload.length), protocol, hopLimit];
    return join(fixed, source, destination, payload);
  }
  const { options = [], fragment = [0, 0] } = packet;
  const length = 20 + options.length;
  const words = [...u16(length + payload.length), ...u16(fragment[0]), ...u16(fragment[1])];
  const header = join(
    [0x40 + length / 4, 0, ...words, hopLimit, protocol, 0, 0],
    source,
    destination,
    options,
  );
  header.set(u16(~naiveSum(header)), 10);
  return join(header, payload);
}

/** A plain frame around a packet. */
export function frameOf(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(new Uint8Array(FRAME_HEADER), packet);
}

/** The payload with its checksum written at `at`. */
export function summed(
  payload: Uint8Array,
  at: number,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const pseudo = join(source, destination, u32(payload.length), [0, 0, 0, protocol]);
  payload.set([0, 0], at);
  payload.set(u16(~naiveSum(protocol === 1 ? new Uint8Array(0) : pseudo, payload)), at);
  return payload;
}

/** An echo request with `data`, or what else `type` says, from the program to the far host. */
export function icmpPacket(
  family: 4 | 6,
  type: number,
  code: number,
  rest: number,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { program: source, far: destination } = HOSTS[family];
  const protocol = family === 4 ? 1 : 58;
  const message = join([type, code, 0, 0], u32(rest), data);
  const payload = summed(message, 2, protocol, source, destination);
  return ipPacket({ source, destination, protocol, payload });
}

/** A UDP datagram from the program to a port of the far host. */
export function udpPacket(family: 4 | 6, port: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { program: source, far: destination } = HOSTS[family];
  const datagram = join([...u16(12_345), ...u16(port), ...u16(8 + data.length), 0, 0], data);
  const payload = summed(datagram, 6, 17, source, destination);
  return ipPacket({ source, destination, protocol: 17, payload });
}

/** The piece of a packet's payload from `start` to `end`. The packet has neither options nor extension headers. */
export function pieceOf(
  packet: Uint8Array,
  id: number,
  start: number,
  end: number,
  more = end < packet.length - headerLength(packet),
): Uint8Array<ArrayBuffer> {
  const header = headerLength(packet);
  const payload = packet.subarray(header + start, header + end);
  if (header === 20) {
    const [source, destination] = [packet.slice(12, 16), packet.slice(16, 20)];
    const fragment = [id & 0xffff, start / 8 | (more ? 0x2000 : 0)] as const;
    return ipPacket({ source, destination, protocol: packet[9], payload, fragment });
  }
  const extension = [packet[6], 0, ...u16(start | (more ? 1 : 0)), ...u32(id)];
  const [source, destination] = [packet.slice(8, 24), packet.slice(24, 40)];
  return ipPacket({ source, destination, protocol: 44, payload: join(extension, payload) });
}

/** Length of the header that every packet of the family has. */
export function headerLength(packet: Uint8Array): number {
  return packet[0] >>> 4 === 4 ? 20 : 40;
}

/** A packet cut into pieces of `size` bytes of payload, in order. */
export function cut(packet: Uint8Array, id: number, size: number): Uint8Array<ArrayBuffer>[] {
  const length = packet.length - headerLength(packet);
  const pieces = [];
  for (let at = 0; at < length; at += size) {
    pieces.push(pieceOf(packet, id, at, Math.min(at + size, length)));
  }
  return pieces;
}

/** An ICMP message as it was read; its checksums were right. */
export interface NaiveIcmp {
  readonly type: number;
  readonly code: number;
  /** The four bytes behind the checksum. */
  readonly rest: number;
  readonly body: Uint8Array;
}

/** Reads an ICMP packet; throws when anything about it is wrong. */
export function readIcmp(packet: Uint8Array): NaiveIcmp {
  const isV4 = packet[0] >>> 4 === 4;
  const length = isV4 ? packet[2] * 256 + packet[3] : 40 + packet[4] * 256 + packet[5];
  if (length !== packet.length) throw new Error(`length ${length} of ${packet.length} bytes`);
  if (isV4 && naiveSum(packet.subarray(0, 20)) !== 0xffff) throw new Error("IPv4 checksum");
  const protocol = isV4 ? 1 : 58;
  if (packet[isV4 ? 9 : 6] !== protocol) throw new Error("protocol is not ICMP");
  const icmp = packet.subarray(isV4 ? 20 : 40);
  const pseudo = isV4 ? [] : [...packet.subarray(8, 40), ...u32(icmp.length), 0, 0, 0, 58];
  if (naiveSum(Uint8Array.from(pseudo), icmp) !== 0xffff) throw new Error("ICMP checksum");
  const view = new DataView(icmp.buffer, icmp.byteOffset);
  return { type: icmp[0], code: icmp[1], rest: view.getUint32(4), body: icmp.slice(8) };
}

/** Puts pieces of one packet, in any order, together again; throws where they do not fit. Neither options nor extension headers. */
export function rejoin(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const isV4 = pieces[0][0] >>> 4 === 4;
  const parts = pieces.map((piece) => {
    const at = isV4 ? 6 : 42;
    const field = piece[at] * 256 + piece[at + 1];
    const data = piece.slice(isV4 ? 20 : 48);
    const id = isV4 ? piece.slice(4, 6) : piece.slice(44, 48);
    if (isV4 && naiveSum(piece.subarray(0, 20)) !== 0xffff) throw new Error("IPv4 checksum");
    return {
      start: isV4 ? (field & 0x1fff) * 8 : field & 0xfff8,
      more: (field & (isV4 ? 0x2000 : 1)) !== 0,
      id: id.join("."),
      data,
    };
  }).sort((a, b) => a.start - b.start);
  let payload = new Uint8Array(0);
  parts.forEach(({ start, more, id, data }, i) => {
    if (start !== payload.length) throw new Error(`a piece at ${start}, not ${payload.length}`);
    if (more !== i < parts.length - 1) throw new Error("the flag of more fragments");
    if (id !== parts[0].id) throw new Error("pieces of two packets");
    payload = join(payload, data);
  });
  const first = pieces[0];
  return ipPacket({
    source: isV4 ? first.slice(12, 16) : first.slice(8, 24),
    destination: isV4 ? first.slice(16, 20) : first.slice(24, 40),
    protocol: isV4 ? first[9] : first[40],
    payload,
  });
}

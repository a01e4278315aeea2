/**
 * TCP over IPv4 and IPv6 written and read in the plainest way, over `DataView` and objects: the naive twin of `src/wire`.
 * It shares no code with the library, so that a mistake there is seen from outside.
 *
 * @module
 */

/** One TCP segment with the addresses around it. */
export interface NaiveSegment {
  source: Uint8Array;
  destination: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  seq: number;
  ack: number;
  /** Letters of `FLAG_LETTERS`, for instance "SA". */
  flags: string;
  window: number;
  mss?: number;
  scale?: number;
  sackOk?: boolean;
  timestamps?: [value: number, echo: number];
  sack?: [start: number, end: number][];
  payload: Uint8Array;
  /** Payload bytes of each piece, where a frame leaves the cutting to the device. */
  gsoSize?: number;
}

/** Bytes in front of a packet in a frame. */
export const FRAME_HEADER = 10;

const FLAG_LETTERS = "FSRPAUEC";

/** The sum of 16-bit words, one at a time, folded to 16 bits. Only the last part may have an odd length. */
export function naiveSum(...parts: Uint8Array[]): number {
  let sum = 0;
  for (const bytes of parts) {
    for (let i = 0; i < bytes.length; i += 2) {
      sum += bytes[i] * 256 + (i + 1 < bytes.length ? bytes[i + 1] : 0);
      if (sum > 0xffff) sum -= 0xffff;
    }
  }
  return sum;
}

function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  return Uint8Array.of(...source, ...destination, 0, 6, length >>> 8, length & 0xff);
}

/** The segment as a plain frame. */
export function encode(segment: NaiveSegment): Uint8Array<ArrayBuffer> {
  const options = encodeOptions(segment);
  const tcp = new Uint8Array(20 + options.length + segment.payload.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  tcp[12] = (20 + options.length) * 4;
  for (const letter of segment.flags) tcp[13] |= 1 << FLAG_LETTERS.indexOf(letter);
  view.setUint16(14, segment.window);
  tcp.set(options, 20);
  tcp.set(segment.payload, 20 + options.length);
  const { source, destination } = segment;
  view.setUint16(16, ~naiveSum(pseudoHeader(source, destination, tcp.length), tcp));
  const isV4 = source.length === 4;
  const ip = new Uint8Array(isV4 ? 20 : 40);
  const ipView = new DataView(ip.buffer);
  if (isV4) {
    ip.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6]);
    ipView.setUint16(2, 20 + tcp.length);
    ip.set(source, 12);
    ip.set(destination, 16);
    ipView.setUint16(10, ~naiveSum(ip));
  } else {
    ip.set([0x60, 0, 0, 0, 0, 0, 6, 64]);
    ipView.setUint16(4, tcp.length);
    ip.set(source, 8);
    ip.set(destination, 24);
  }
  const frame = new Uint8Array(FRAME_HEADER + ip.length + tcp.length);
  frame.set(ip, FRAME_HEADER);
  frame.set(tcp, FRAME_HEADER + ip.length);
  return frame;
}

function encodeOptions({ mss, scale, sackOk, timestamps, sack }: NaiveSegment): number[] {
  const options: number[] = [];
  const u32 = (value: number) => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
  if (mss !== undefined) options.push(2, 4, mss >>> 8, mss & 255);
  if (scale !== undefined) options.push(3, 3, scale);
  if (sackOk) options.push(4, 2);
  if (timestamps) options.push(8, 10, ...timestamps.flatMap(u32));
  if (sack && sack.length > 0) options.push(5, 2 + 8 * sack.length, ...sack.flat().flatMap(u32));
  while (options.length % 4 !== 0) options.push(1);
  return options;
}

/** Reads a frame; throws when anything about it is wrong, a checksum above all. */
export function decode(frame: Uint8Array): NaiveSegment {
  const [flags, gsoType] = frame;
  const isPartial = flags === 1;
  const gsoSize = frame[4] + frame[5] * 256;
  const packet = frame.subarray(FRAME_HEADER);
  const isV4 = packet[0] >>> 4 === 4;
  const length = isV4 ? packet[2] * 256 + packet[3] : 40 + packet[4] * 256 + packet[5];
  check(length === packet.length, `length ${length} in the header of ${packet.length} bytes`);
  check(!isV4 || naiveSum(packet.subarray(0, 20)) === 0xffff, "IPv4 checksum");
  check(packet[isV4 ? 9 : 6] === 6, "protocol is not TCP");
  const source = isV4 ? packet.slice(12, 16) : packet.slice(8, 24);
  const destination = isV4 ? packet.slice(16, 20) : packet.slice(24, 40);
  const tcp = packet.subarray(isV4 ? 20 : 40);
  const view = new DataView(tcp.buffer, tcp.byteOffset, tcp.length);
  const pseudo = pseudoHeader(source, destination, tcp.length);
  if (isPartial) {
    check(view.getUint16(16) === naiveSum(pseudo), "partial TCP checksum");
    check(frame[6] === (isV4 ? 20 : 40) && frame[8] === 16, "place of the TCP checksum");
  } else {
    check(flags === 0 && gsoType === 0 && gsoSize === 0, "frame header is not plain");
    check(naiveSum(pseudo, tcp) === 0xffff, "TCP checksum");
  }
  const headerLength = (tcp[12] >>> 4) * 4;
  const segment: NaiveSegment = {
    source,
    destination,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: [...FLAG_LETTERS].filter((_, bit) => tcp[13] >>> bit & 1).join(""),
    window: view.getUint16(14),
    payload: tcp.slice(headerLength),
  };
  if (gsoSize > 0) {
    check(gsoType === (isV4 ? 1 : 4), `type of segmentation ${gsoType}`);
    check(gsoSize < segment.payload.length, "segmentation of one segment");
    check(frame[2] + frame[3] * 256 === (isV4 ? 20 : 40) + headerLength, "length of headers");
    segment.gsoSize = gsoSize;
  }
  decodeOptions(tcp.subarray(20, headerLength), segment);
  return segment;
}

function decodeOptions(options: Uint8Array, segment: NaiveSegment): void {
  const view = new DataView(options.buffer, options.byteOffset, options.length);
  for (let at = 0; at < options.length;) {
    const kind = options[at];
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = options[at + 1];
    check(length >= 2 && at + length <= options.length, "length of an option");
    if (kind === 2) segment.mss = view.getUint16(at + 2);
    else if (kind === 3) segment.scale = options[at + 2];
    else if (kind === 4) segment.sackOk = true;
    else if (kind === 8) segment.timestamps = [view.getUint32(at + 2), view.getUint32(at + 6)];
    else if (kind === 5) {
      segment.sack = [];
      for (let i = at + 2; i < at + length; i += 8) {
        segment.sack.push([view.getUint32(i), view.getUint32(i + 4)]);
      }
    } else throw new Error(`The option ${kind} is unknown`);
    at += length;
  }
}

function check(isGood: boolean, what: string): void {
  if (!isGood) throw new Error(`Bad packet: ${what}`);
}

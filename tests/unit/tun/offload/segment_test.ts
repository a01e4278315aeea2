import { assert, assertEquals } from "@std/assert";
import { concatBytes, getU16, getU32, setU16, setU32 } from "../../../../src/bytes.ts";
import { plainPackets } from "../../../../src/tun/offload/segment.ts";
import { pseudoHeaderSum } from "../../../../src/wire/checksum.ts";
import { writeIpv4Header } from "../../../../src/wire/ipv4.ts";
import { writeIpv6Header } from "../../../../src/wire/ipv6.ts";
import {
  FRAME_HEADER_LENGTH,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  writeFrameHeader,
} from "../../../../src/wire/virtio.ts";

const TCP = 6;
const UDP = 17;
const FIN_PSH_ACK = 0x19;
const CWR = 0x80;

/** A frame as the kernel makes it: the checksum field holds the sum of the pseudo-header. */
function frameOf(
  version: 4 | 6,
  protocol: number,
  payload: Uint8Array,
  type: number,
  size: number,
) {
  const start = version === 4 ? 20 : 40;
  const transport = protocol === TCP ? 20 : 8;
  const frame = new Uint8Array(FRAME_HEADER_LENGTH + start + transport + payload.length);
  const packet = frame.subarray(FRAME_HEADER_LENGTH);
  const bytes = version === 4 ? 4 : 16;
  const addresses = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes).fill(2)] as const;
  const length = transport + payload.length;
  (version === 4 ? writeIpv4Header : writeIpv6Header)(
    packet,
    0,
    ...addresses,
    protocol,
    length,
    64,
  );
  setU16(packet, start, 1000);
  setU16(packet, start + 2, 2000);
  if (protocol === TCP) {
    setU32(packet, start + 4, 0xfffffff0); // wraps in the first piece
    packet[start + 12] = 0x50;
    packet[start + 13] = FIN_PSH_ACK | CWR;
  } else setU16(packet, start + 4, length);
  packet.set(payload, start + transport);
  const source = version === 4 ? 12 : 8;
  const sum = pseudoHeaderSum(packet, source, source + bytes, bytes, protocol, length);
  const offset = protocol === TCP ? 16 : 6;
  setU16(packet, start + offset, sum);
  writeFrameHeader(frame, type, size, start + transport, start, offset);
  return frame;
}

/** The naive twin of a receiver: the ones' complement sum of everything, word by word, is all ones. */
function isIntact(packet: Uint8Array): boolean {
  const isIpv4 = packet[0] >>> 4 === 4;
  const start = isIpv4 ? 20 : 40;
  const [from, to] = isIpv4 ? [12, 20] : [8, 40];
  const protocol = packet[isIpv4 ? 9 : 6];
  const whole = isIpv4 ? getU16(packet, 2) : getU16(packet, 4) + 40;
  const pseudo = [...packet.subarray(from, to), 0, protocol];
  const length = packet.length - start;
  pseudo.push(length >>> 8, length & 0xff);
  if (isIpv4 && sumOf([...packet.subarray(0, 20)]) !== 0xffff) return false;
  return whole === packet.length && sumOf([...pseudo, ...packet.subarray(start)]) === 0xffff;
}

function sumOf(bytes: number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] << 8) + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

const PAYLOAD = Uint8Array.from({ length: 2501 }, (_, i) => i * 7);

for (const version of [4, 6] as const) {
  Deno.test(`a TCP segment over IPv${version} is cut as a network card cuts it`, () => {
    const type = (version === 4 ? GSO_TCPV4 : GSO_TCPV6) | GSO_ECN;
    const frame = frameOf(version, TCP, PAYLOAD, type, 1000);
    const pieces = plainPackets(frame, frame.length);
    const start = version === 4 ? 20 : 40;
    assert(pieces.every(isIntact));
    assertEquals(concatBytes(pieces.map((piece) => piece.subarray(start + 20))), PAYLOAD);
    assertEquals(pieces.map((piece) => getU32(piece, start + 4)), [0xfffffff0, 984, 1984]);
    const ACK = 0x10;
    assertEquals(pieces.map((piece) => piece[start + 13]), [ACK | CWR, ACK, FIN_PSH_ACK]);
    if (version === 4) assertEquals(pieces.map((piece) => getU16(piece, 4)), [0, 1, 2]);
  });

  Deno.test(`UDP datagrams over IPv${version} that share a header come apart`, () => {
    const frame = frameOf(version, UDP, PAYLOAD, GSO_UDP_L4, 1200);
    const pieces = plainPackets(frame, frame.length);
    const start = version === 4 ? 20 : 40;
    assert(pieces.every(isIntact));
    assertEquals(pieces.map((piece) => getU16(piece, start + 4)), [1208, 1208, 109]);
    assertEquals(concatBytes(pieces.map((piece) => piece.subarray(start + 8))), PAYLOAD);
  });

  Deno.test(`a partial checksum over IPv${version} is completed`, () => {
    const frame = frameOf(version, TCP, PAYLOAD.subarray(0, 7), GSO_NONE, 0);
    const [packet, ...rest] = plainPackets(frame, frame.length);
    assert(isIntact(packet));
    assertEquals(rest, []);
  });
}

Deno.test("a UDP checksum of zero is written as all ones", () => {
  const frame = frameOf(4, UDP, Uint8Array.of(0, 0), GSO_NONE, 0);
  const [found] = plainPackets(frame, frame.length);
  // What the sum lacks goes into the payload, so that it becomes zero.
  frame.set(found.subarray(26, 28), FRAME_HEADER_LENGTH + 28);
  const [packet] = plainPackets(frame, frame.length);
  assertEquals(getU16(packet, 26), 0xffff);
  assert(isIntact(packet));
});

Deno.test("a frame without work left is copied", () => {
  const frame = Uint8Array.of(...new Uint8Array(FRAME_HEADER_LENGTH), 0x45, 1, 2);
  const [packet] = plainPackets(frame, frame.length);
  frame[FRAME_HEADER_LENGTH] = 0;
  assertEquals(packet, Uint8Array.of(0x45, 1, 2));
});

Deno.test("a header that does not fit its packet leaves it as it is, at every length", () => {
  const frame = frameOf(6, TCP, PAYLOAD, GSO_TCPV6, 1000);
  for (let length = FRAME_HEADER_LENGTH; length < FRAME_HEADER_LENGTH + 60; length++) {
    const packets = plainPackets(frame, length);
    assertEquals(packets, [frame.slice(FRAME_HEADER_LENGTH, length)]);
  }
});

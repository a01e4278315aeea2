import { assert, assertEquals } from "@std/assert";
import { concatBytes, setU16, setU32 } from "../../../../src/bytes.ts";
import { Cutter } from "../../../../src/tun/offload/cut.ts";
import { plainPackets } from "../../../../src/tun/offload/segment.ts";
import { checksum, pseudoHeaderSum } from "../../../../src/wire/checksum.ts";
import { writeIpv4Header } from "../../../../src/wire/ipv4.ts";
import { writeIpv6Header } from "../../../../src/wire/ipv6.ts";
import { Sums } from "../../../../src/wire/sums.ts";
import {
  FRAME_HEADER_LENGTH,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  MAX_FRAME_LENGTH,
  writeFrameHeader,
} from "../../../../src/wire/virtio.ts";
import { type Dice, seededDice } from "../../random.ts";

const TCP = 6;
const UDP = 17;

/** How a frame is made. */
interface Shape {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly size: number;
  readonly payload: Uint8Array;
  readonly flags?: number;
  readonly id?: number;
  readonly options?: Uint8Array;
}

/** A frame with the work left to do, as the stack writes it. */
function frameOf(shape: Shape): Uint8Array<ArrayBuffer> {
  const { version, protocol, size, payload, flags = 0x18, id = 0, options } = shape;
  const start = version === 4 ? 20 : 40;
  const bytes = version === 4 ? 4 : 16;
  const transport = new Uint8Array(protocol === TCP ? 20 + (options?.length ?? 0) : 8);
  const length = transport.length + payload.length;
  const ip = new Uint8Array(start);
  const addresses = [new Uint8Array(bytes).fill(198), new Uint8Array(bytes).fill(51)] as const;
  const write = version === 4 ? writeIpv4Header : writeIpv6Header;
  write(ip, 0, ...addresses, protocol, length, 64);
  if (version === 4) {
    setU16(ip, 4, id);
    setU16(ip, 10, 0);
    setU16(ip, 10, ~checksum(ip, 0, 20));
  }
  setU16(transport, 0, 443);
  setU16(transport, 2, 40_000);
  if (protocol === TCP) {
    setU32(transport, 4, 0xfffff000); // wraps on the way
    transport[12] = (transport.length / 4) << 4;
    transport[13] = flags;
    transport.set(options ?? [], 20);
  } else setU16(transport, 4, length);
  const offset = protocol === TCP ? 16 : 6;
  const source = version === 4 ? 12 : 8;
  setU16(transport, offset, pseudoHeaderSum(ip, source, source + bytes, bytes, protocol, length));
  const header = new Uint8Array(FRAME_HEADER_LENGTH);
  const type = protocol === UDP ? GSO_UDP_L4 : version === 4 ? GSO_TCPV4 : GSO_TCPV6;
  writeFrameHeader(
    header,
    size > 0 ? type : GSO_NONE,
    size,
    start + transport.length,
    start,
    offset,
  );
  return concatBytes([header, ip, transport, payload]);
}

/** What leaves, each packet a copy; the frame stands at the start of `buffer`. */
function cut(frame: Uint8Array, buffer?: Uint8Array): Uint8Array[] {
  const sums = Sums.ofLength(MAX_FRAME_LENGTH);
  const into = buffer ?? sums.bytes;
  into.set(frame);
  const packets: Uint8Array[] = [];
  const cutter = new Cutter((packet) => {
    packets.push(packet.slice());
    return true;
  }, sums);
  assert(cutter.writeFrame(into, frame.length));
  assertEquals(into.slice(0, frame.length), frame, "the frame is not what it was");
  return packets;
}

function anyShape(dice: Dice): Shape {
  const protocol = dice.pick([TCP, TCP, TCP, UDP]);
  return {
    version: dice.pick([4, 6]),
    protocol,
    size: dice.pick([0, 1, 536, 1400, 1448, 9000]),
    payload: dice.bytes(1 + dice.int(dice.pick([3, 2000, 20_000]))),
    flags: dice.pick([0x10, 0x18, 0x19, 0x98]),
    id: dice.int(0x10000),
    options: dice.pick([undefined, dice.bytes(12), dice.bytes(40)]),
  };
}

Deno.test("what leaves is what the naive twin makes of the frame, which stays as it was", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const frame = frameOf(anyShape(seededDice(seed)));
    assertEquals(cut(frame), plainPackets(frame, frame.length), `seed ${seed}`);
  }
});

Deno.test("the longest frame is cut into packets that fit, with FIN and PSH on the last alone", () => {
  const payload = seededDice(7).bytes(45 * 1448);
  const frame = frameOf({ version: 4, protocol: TCP, size: 1460, payload, flags: 0x19 });
  const packets = cut(frame);
  assertEquals(packets.slice(0, -1).map((packet) => packet.length), new Array(44).fill(1500));
  assertEquals(packets.map((packet) => packet[33]), [...new Array(44).fill(0x10), 0x19]);
  assertEquals(concatBytes(packets.map((packet) => packet.subarray(40))), payload);
});

Deno.test("a buffer of the writer's own serves as well as the known one", () => {
  const payload = seededDice(8).bytes(5000);
  const frame = frameOf({ version: 6, protocol: TCP, size: 1440, payload });
  const other = new Uint8Array(MAX_FRAME_LENGTH + 8).subarray(8);
  assertEquals(cut(frame, other), plainPackets(frame, frame.length));
});

Deno.test("a UDP checksum of zero is written as all ones", () => {
  const shape: Shape = { version: 4, protocol: UDP, size: 0, payload: new Uint8Array(2) };
  const [first] = plainPackets(frameOf(shape), frameOf(shape).length);
  // What the packet sums up to, as its payload, makes the rest zero.
  const payload = first.slice(26, 28);
  const frame = frameOf({ ...shape, payload });
  const [packet] = cut(frame);
  assertEquals([packet[26], packet[27]], [0xff, 0xff]);
});

Deno.test("a frame without work left leaves as it is", () => {
  const packet = seededDice(9).bytes(60);
  assertEquals(cut(concatBytes([new Uint8Array(FRAME_HEADER_LENGTH), packet])), [packet]);
});

Deno.test("a header that does not fit its packet makes no harm, at any length", () => {
  const frame = frameOf({ version: 4, protocol: TCP, size: 5, payload: new Uint8Array(3) });
  for (let length = FRAME_HEADER_LENGTH + 1; length <= frame.length; length++) {
    const short = frame.slice(0, length);
    assertEquals(cut(short), plainPackets(short, length));
  }
});

Deno.test("a packet that finds no room is told, and the others are written all the same", () => {
  const frame = frameOf({ version: 4, protocol: TCP, size: 100, payload: new Uint8Array(300) });
  let count = 0;
  const cutter = new Cutter(() => ++count !== 2, Sums.ofLength(MAX_FRAME_LENGTH));
  assertEquals(cutter.writeFrame(frame, frame.length), false);
  assertEquals(count, 3);
});

import { assert, assertEquals } from "@std/assert";
import { getU16, setU16 } from "../../../../src/bytes.ts";
import { newParsed, parseFrame } from "../../../../src/stack/ingress.ts";
import { Gatherer } from "../../../../src/tun/offload/gather.ts";
import { Sums } from "../../../../src/wire/sums.ts";
import { plainPackets } from "../../../../src/tun/offload/segment.ts";
import {
  checksumIsTrusted,
  GSO_TCPV4,
  gsoSize,
  gsoType,
  MAX_FRAME_LENGTH,
} from "../../../../src/wire/virtio.ts";
import {
  encode,
  FRAME_HEADER,
  type NaiveSegment,
  naiveSum,
} from "../../../support/naive_packet.ts";
import { type Dice, seededDice } from "../../random.ts";

const MTU = 1500;
const FULL = 1448;
const SUMS = Sums.ofLength(MAX_FRAME_LENGTH);

/** A packet of a flow; with `id` its number, as the kernel counts them in what it cuts. */
function packet(segment: Partial<NaiveSegment> = {}, id = 0): Uint8Array<ArrayBuffer> {
  const bytes = encode({
    source: Uint8Array.of(198, 18, 0, 1),
    destination: Uint8Array.of(198, 51, 100, 7),
    sourcePort: 40_000,
    destinationPort: 443,
    seq: 1,
    ack: 77,
    flags: "A",
    window: 500,
    timestamps: [1000, 2000],
    payload: new Uint8Array(FULL).fill(id),
    ...segment,
  }).slice(FRAME_HEADER);
  return (segment.source?.length ?? 4) === 4 ? numbered(bytes, id) : bytes;
}

function numbered(bytes: Uint8Array<ArrayBuffer>, id: number): Uint8Array<ArrayBuffer> {
  setU16(bytes, 4, id);
  setU16(bytes, 10, 0);
  setU16(bytes, 10, ~naiveSum(bytes.subarray(0, 20)));
  return bytes;
}

/** `count` full packets, one behind the other. */
function burst(count: number, segment: Partial<NaiveSegment> = {}): Uint8Array<ArrayBuffer>[] {
  const { seq = 1 } = segment;
  return Array.from({ length: count }, (_, i) => packet({ ...segment, seq: seq + i * FULL }, i));
}

/** A queue of packets that is read as the kernel's: what finds no room is cut off. */
function deviceOf(packets: readonly Uint8Array[], mtu = MTU): Gatherer {
  const waiting = [...packets];
  return new Gatherer(
    (into) => {
      const next = waiting.shift();
      if (next === undefined) return 0;
      const length = Math.min(next.length, into.length);
      into.set(next.subarray(0, length));
      return length;
    },
    mtu,
    SUMS,
  );
}

/** All frames, each a copy of its bytes alone. */
function framesOf(gatherer: Gatherer, into = SUMS.bytes): Uint8Array<ArrayBuffer>[] {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let length; (length = gatherer.readFrame(into)) > 0;) {
    assert(length <= MAX_FRAME_LENGTH);
    frames.push(into.slice(0, length));
    into.fill(0xee); // nothing may lean on what the frame before has left
  }
  return frames;
}

/** Joins, and cuts again what was joined. */
function thereAndBack(packets: readonly Uint8Array[], mtu?: number): Uint8Array[] {
  return framesOf(deviceOf(packets, mtu)).flatMap((frame) => plainPackets(frame, frame.length));
}

Deno.test("packets that follow each other are one frame, which the stack believes", () => {
  const packets = burst(20);
  const [frame, ...others] = framesOf(deviceOf(packets));
  assertEquals(others, []);
  assertEquals([gsoType(frame), gsoSize(frame)], [GSO_TCPV4, FULL]);
  const parsed = newParsed();
  assertEquals(parseFrame(frame, frame.length, parsed), undefined);
  const { payloadAt, payloadEnd, seq } = parsed.segment;
  assertEquals([payloadEnd - payloadAt, seq], [20 * FULL, 1]);
  for (let i = 0; i < 20; i++) {
    const part = frame.subarray(payloadAt + i * FULL, payloadAt + (i + 1) * FULL);
    assert(part.every((byte) => byte === i), `payload ${i} is not where it belongs`);
  }
});

Deno.test("a frame holds as many packets as fit the length of one", () => {
  const sizes = framesOf(deviceOf(burst(100))).map((frame) => Math.floor(frame.length / FULL));
  assertEquals(sizes, [45, 45, 10]);
});

Deno.test("a frame ends with PSH and with a shorter packet", () => {
  const pushed = [packet({ seq: 1 }, 0), packet({ seq: 1 + FULL, flags: "PA" }, 1)];
  const short = packet({ seq: 1 + 2 * FULL, payload: new Uint8Array(9) }, 2);
  const packets = [...pushed, short, ...burst(2, { seq: 10 + 2 * FULL })];
  const frames = framesOf(deviceOf(packets));
  assertEquals(frames.map((frame) => frame.length - FRAME_HEADER - 52), [2 * FULL, 9, 2 * FULL]);
  const parsed = newParsed();
  parseFrame(frames[0], frames[0].length, parsed);
  assertEquals(parsed.segment.flags, 0x18);
});

Deno.test("a single packet of data is the frame that it was, its checksum known to be right", () => {
  const [only] = burst(1);
  const [frame] = framesOf(deviceOf([only]));
  assertEquals(frame.subarray(FRAME_HEADER), only);
  assert(checksumIsTrusted(frame));
});

Deno.test("a packet that does not go on from the one before is the next frame, and known to wait", () => {
  const other = packet({ sourcePort: 40_001 });
  const gatherer = deviceOf([...burst(2), other]);
  const into = new Uint8Array(MAX_FRAME_LENGTH);
  assertEquals(gatherer.readFrame(into), FRAME_HEADER + 52 + 2 * FULL);
  assert(gatherer.isHolding);
  const length = gatherer.readFrame(into);
  assertEquals(into.subarray(FRAME_HEADER, length), other);
  assert(!gatherer.isHolding);
  assertEquals(gatherer.readFrame(into), 0);
});

const SECOND: Readonly<Record<string, Uint8Array>> = {
  "of another flow": packet({ seq: 1 + FULL, destinationPort: 80 }, 1),
  "to another host": packet({ seq: 1 + FULL, destination: Uint8Array.of(198, 51, 100, 8) }, 1),
  "behind a gap": packet({ seq: 2 + FULL }, 1),
  "that repeats the first": packet({ seq: 1 }, 1),
  "with another acknowledgment": packet({ seq: 1 + FULL, ack: 78 }, 1),
  "with another window": packet({ seq: 1 + FULL, window: 501 }, 1),
  "with a later timestamp": packet({ seq: 1 + FULL, timestamps: [1001, 2000] }, 1),
  "with other options": packet({ seq: 1 + FULL, timestamps: undefined }, 1),
  "with FIN": packet({ seq: 1 + FULL, flags: "FA" }, 1),
  "with RST": packet({ seq: 1 + FULL, flags: "RA" }, 1),
  "with CWR": packet({ seq: 1 + FULL, flags: "AC" }, 1),
  "without payload": packet({ seq: 1 + FULL, payload: new Uint8Array(0) }, 1),
  "longer than the first": packet({ seq: 1 + FULL, payload: new Uint8Array(FULL + 1) }, 1),
  "with a bad checksum": packet({ seq: 1 + FULL }, 1).map((byte, i) => i === 900 ? byte ^ 1 : byte),
  "with a bad IP checksum": packet({ seq: 1 + FULL }, 1).map((b, i) => i === 11 ? b ^ 1 : b),
  "of another TTL": altered(8, 63),
  "with a congestion mark": altered(1, 3),
  "that is a fragment": altered(6, 0x20),
  "cut short": packet({ seq: 1 + FULL }, 1).slice(0, 800),
  "of another version": packet({
    seq: 1 + FULL,
    source: new Uint8Array(16).fill(1),
    destination: new Uint8Array(16).fill(2),
  }),
  "that is nothing": Uint8Array.of(0),
};

/** A packet that would go on, but for one byte of its IP header. */
function altered(at: number, value: number): Uint8Array {
  const bytes = packet({ seq: 1 + FULL }, 1);
  bytes[at] = value;
  return numbered(bytes, 1);
}

for (const [words, second] of Object.entries(SECOND)) {
  Deno.test(`a packet ${words} goes on alone and as it came`, () => {
    const first = packet({ seq: 1 });
    const third = packet({ seq: 1 + 2 * FULL }, 2);
    const frames = framesOf(deviceOf([first, second, third]));
    assertEquals(frames.map((frame) => frame.slice(FRAME_HEADER)), [first, second, third]);
    assertEquals(checksumIsTrusted(frames[0]), true);
  });
}

Deno.test("a packet with a bad checksum is left for the stack to drop", () => {
  const bad = packet();
  bad[100] ^= 1;
  const [frame] = framesOf(deviceOf([bad]));
  assertEquals(parseFrame(frame, frame.length, newParsed()), "tcp-bad-checksum");
});

Deno.test("what was joined is cut into what it was made of, whatever comes in between", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const packets = traffic(seededDice(seed));
    assertEquals(thereAndBack(packets), packets, `seed ${seed}`);
  }
});

/** Bursts of some flows of both versions, with all that may go wrong with a packet now and then. */
function traffic(dice: Dice): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const seqs = [0xffffff00, 5, 1_000_000];
  const ids = [0, 0, 0];
  while (packets.length < 120) {
    const flow = dice.int(3);
    const ends = flow === 2 && {
      source: new Uint8Array(16).fill(0x20),
      destination: new Uint8Array(16).fill(0x21),
    };
    const timestamps: [number, number] | undefined = dice.int(2) ? [dice.int(9), 7] : undefined;
    const size = 1 + dice.int(1400);
    for (let i = 0, count = 1 + dice.int(60); i < count; i++) {
      const payload = dice.bytes(dice.int(12) ? size : 1 + dice.int(1400));
      const flags = dice.pick(["A", "A", "A", "A", "A", "A", "PA", "FA"]);
      const shape = {
        ...ends,
        sourcePort: 1000 + flow,
        seq: seqs[flow],
        timestamps,
        payload,
        flags,
      };
      const bytes = packet(shape, ids[flow]++);
      const mishap = dice.int(40);
      if (mishap === 0) bytes[dice.int(bytes.length)] ^= 1 << dice.int(8);
      packets.push(mishap === 1 ? bytes.slice(0, 1 + dice.int(bytes.length)) : bytes);
      if (mishap !== 2) seqs[flow] = (seqs[flow] + payload.length) >>> 0;
    }
  }
  return packets;
}

Deno.test("packets longer than the known MTU lose one of them to the lack of room, and then none", () => {
  const size = 20_000;
  const packets = Array.from({ length: 12 }, (_, i) => {
    return packet({ seq: 1 + i * size, payload: new Uint8Array(size).fill(i) }, i);
  });
  const back = thereAndBack(packets);
  const whole = back.filter((bytes) => getU16(bytes, 2) === bytes.length);
  assert(whole.length >= packets.length - 1, `${packets.length - whole.length} were cut off`);
  assertEquals(thereAndBack(packets, size + 52), packets);
});

Deno.test("a buffer of the reader's own serves as well as that of the device", () => {
  const packets = burst(50);
  const into = new Uint8Array(MAX_FRAME_LENGTH + 16).subarray(16);
  assertEquals(framesOf(deviceOf(packets), into), framesOf(deviceOf(packets)));
});

Deno.test("an empty device gives no frame", () => {
  assertEquals(framesOf(deviceOf([])), []);
  const closed = new Gatherer(() => -1, MTU, SUMS);
  assertEquals(closed.readFrame(new Uint8Array(MAX_FRAME_LENGTH)), 0);
});

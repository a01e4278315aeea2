import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { CapsuleParser, encodeCapsule } from "../../../src/masque/capsule.ts";
import { getBigVarint, varintLengthAt } from "../../../src/masque/varint.ts";
import { type Dice, seededDice } from "../random.ts";

interface Capsule {
  readonly type: number;
  readonly value: number[];
}

const KNOWN: Readonly<Record<number, number>> = { 0: 300, 0x11: 20 };

function parse(bytes: Uint8Array<ArrayBuffer>, step = Math.max(1, bytes.length)) {
  const capsules: Capsule[] = [];
  const parser = new CapsuleParser({
    maxLength: (type) => KNOWN[type] ?? -1,
    capsule: (type, value) => void capsules.push({ type, value: [...value] }),
  });
  let fault;
  for (let at = 0; at < bytes.length && fault === undefined; at += step) {
    fault = parser.push(bytes.slice(at, at + step));
  }
  return { capsules, fault: fault ?? parser.end(), skipped: parser.skipped };
}

/** The naive twin: knows the whole stream. */
function naiveParse(bytes: Uint8Array) {
  const capsules: Capsule[] = [];
  let skipped = 0;
  for (let at = 0; at < bytes.length;) {
    const numbers: bigint[] = [];
    for (let i = 0; i < 2; i++) {
      if (at >= bytes.length || at + varintLengthAt(bytes[at]) > bytes.length) {
        return { capsules, skipped, isFaulty: true };
      }
      numbers.push(getBigVarint(bytes, at));
      at += varintLengthAt(bytes[at]);
    }
    const [type, length] = numbers;
    const max = KNOWN[Number(type)];
    if (max === undefined) skipped++;
    if (max !== undefined && length > max) return { capsules, skipped, isFaulty: true };
    if (BigInt(at) + length > bytes.length) return { capsules, skipped, isFaulty: true };
    const value = [...bytes.slice(at, at + Number(length))];
    if (max !== undefined) capsules.push({ type: Number(type), value });
    at += Number(length);
  }
  return { capsules, skipped, isFaulty: false };
}

function randomStream(dice: Dice): Uint8Array<ArrayBuffer> {
  return concatBytes(Array.from({ length: dice.int(6) }, () => {
    const type = dice.pick([0, 0, 0, 0x11, 0x17, 0x4000, 2n ** 60n]);
    return encodeCapsule(type, dice.bytes(dice.pick([0, 1, 5, 63, 64, 200])));
  }));
}

Deno.test("A stream reads the same whole, in pieces and byte by byte, as its naive twin", () => {
  const dice = seededDice(9297);
  for (let i = 0; i < 400; i++) {
    const whole = randomStream(dice);
    const cut = dice.int(3) === 0 ? whole.slice(0, dice.int(whole.length + 1)) : whole;
    const expected = naiveParse(cut);
    for (const step of [1, 2, 3, 7, 64, cut.length || 1]) {
      const { capsules, skipped, fault } = parse(cut, step);
      assertEquals({ capsules, skipped, isFaulty: fault !== undefined }, expected);
    }
  }
});

Deno.test("A stream cut off at every length is whole between capsules only", () => {
  const one = encodeCapsule(0, new Uint8Array(70));
  const stream = concatBytes([one, encodeCapsule(0x17, new Uint8Array(3))]);
  for (let length = 0; length <= stream.length; length++) {
    const { fault } = parse(stream.slice(0, length));
    const isWhole = [0, one.length, stream.length].includes(length);
    assertEquals(fault, isWhole ? undefined : "it ends in the middle of a capsule");
  }
});

Deno.test("Longer forms of the numbers mean the same", () => {
  const { capsules } = parse(
    new Uint8Array([0x40, 0, 0xc0, 0, 0, 0, 0, 0, 0, 2, 8, 9, 0x80, 0, 0, 0, 0x40, 0]),
  );
  assertEquals(capsules, [{ type: 0, value: [8, 9] }, { type: 0, value: [] }]);
});

Deno.test("A known capsule beyond its bound is a fault as soon as its header is there", () => {
  for (const step of [1, 100]) {
    const { fault, capsules } = parse(encodeCapsule(0x11, new Uint8Array(21)).slice(0, 2), step);
    assertEquals(fault, "it holds a capsule of type 17 with more than 20 bytes");
    assertEquals(capsules, []);
  }
});

Deno.test("An unknown capsule of almost 2^62 bytes is skipped and kept nowhere", () => {
  const parser = new CapsuleParser({ maxLength: () => -1, capsule: () => "never" });
  const lengthOf = new Uint8Array(8).fill(0xff);
  assertEquals(parser.push(concatBytes([new Uint8Array([0x17]), lengthOf])), undefined);
  for (let i = 0; i < 100; i++) assertEquals(parser.push(new Uint8Array(65536)), undefined);
  assertEquals([parser.skipped, parser.end()], [1, "it ends in the middle of a capsule"]);
});

Deno.test("A fault that the taker finds ends the parsing", () => {
  let taken = 0;
  const parser = new CapsuleParser({
    maxLength: () => 9,
    capsule: () => ++taken === 2 ? "it is wrong" : undefined,
  });
  const one = encodeCapsule(0, new Uint8Array(1));
  assertEquals(parser.push(concatBytes([one, one, one])), "it is wrong");
  assertEquals(parser.push(one), "it is wrong");
  assertEquals(taken, 2);
});

Deno.test("A value that came whole is a view, so nothing is copied", () => {
  const chunk = encodeCapsule(0, new Uint8Array([1, 2]));
  let seen: Uint8Array | undefined;
  new CapsuleParser({ maxLength: () => 9, capsule: (_, value) => void (seen = value) }).push(chunk);
  assert(seen?.buffer === chunk.buffer);
});

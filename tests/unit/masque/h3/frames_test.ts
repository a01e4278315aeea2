import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../../src/bytes.ts";
import { ERROR, FRAME, greaseNumber, type H3Fault } from "../../../../src/masque/h3/codes.ts";
import type { Field } from "../../../../src/masque/fields/field.ts";
import { encodeFieldSection } from "../../../../src/masque/h3/field_section.ts";
import { CUT_OFF, encodeFrame, FrameReader } from "../../../../src/masque/h3/frame_reader.ts";
import { MessageReader } from "../../../../src/masque/h3/message_reader.ts";
import { getBigVarint, varintLengthAt } from "../../../../src/masque/varint.ts";
import { type Dice, seededDice } from "../../random.ts";

/** Frames as a reader sees them: pieces of one DATA frame are joined. */
interface Read {
  readonly frames: [number, string][];
  readonly data: string;
  readonly fault: number | undefined;
  readonly isAtBoundary: boolean;
}

const COLLECTED: Readonly<Record<number, number>> = { 1: 300, 7: 8 };

function read(bytes: Uint8Array<ArrayBuffer>, step = Math.max(1, bytes.length)): Read {
  const frames: [number, string][] = [];
  const data: Uint8Array[] = [];
  const reader = new FrameReader({
    begin: (type) => type === FRAME.DATA ? "pieces" : COLLECTED[type] ?? -1,
    frame: (type, payload) => void frames.push([type, payload.toHex()]),
    piece: (piece) => {
      assert(piece.length > 0);
      data.push(piece.slice());
      return undefined;
    },
  });
  let fault: H3Fault | undefined;
  for (let at = 0; at < bytes.length && fault === undefined; at += step) {
    fault = reader.push(bytes.slice(at, at + step));
  }
  const { isAtBoundary } = reader;
  return { frames, data: concatBytes(data).toHex(), fault: fault?.code, isAtBoundary };
}

/** The naive twin: knows the whole stream. */
function naiveRead(bytes: Uint8Array): Read {
  const frames: [number, string][] = [];
  let data = "";
  const end = (isAtBoundary: boolean, fault?: number) => ({ frames, data, fault, isAtBoundary });
  for (let at = 0; at < bytes.length;) {
    const numbers: bigint[] = [];
    for (let i = 0; i < 2; i++) {
      if (at >= bytes.length || at + varintLengthAt(bytes[at]) > bytes.length) return end(false);
      numbers.push(getBigVarint(bytes, at));
      at += varintLengthAt(bytes[at]);
    }
    const [type, length] = [Number(numbers[0]), numbers[1]];
    if ([2, 6, 8, 9].includes(type)) return end(true, ERROR.FRAME_UNEXPECTED);
    const max = COLLECTED[type];
    if (max !== undefined && length > max) return end(true, ERROR.EXCESSIVE_LOAD);
    const payload = bytes.slice(at, Number(BigInt(at) + length)).toHex();
    const isWhole = BigInt(at) + length <= bytes.length;
    if (type === FRAME.DATA) data += payload;
    else if (max !== undefined && isWhole) frames.push([type, payload]);
    if (!isWhole) return end(false);
    at += Number(length);
  }
  return end(true);
}

function randomStream(dice: Dice): Uint8Array<ArrayBuffer> {
  return concatBytes(Array.from({ length: dice.int(7) }, () => {
    const type = dice.pick([0, 0, 0, 1, 1, 7, 0xd, greaseNumber(dice.int(1_000)), 2]);
    return encodeFrame(type, dice.bytes(dice.pick([0, 0, 1, 5, 63, 64, 200, 301])));
  }));
}

Deno.test("A stream of frames reads the same whole, in pieces and byte by byte, as its naive twin", () => {
  const dice = seededDice(9114);
  for (let i = 0; i < 300; i++) {
    const bytes = randomStream(dice);
    for (const step of [undefined, 1, 3, 50]) {
      const { isAtBoundary, ...seen } = read(bytes, step);
      const { isAtBoundary: expected, ...naive } = naiveRead(bytes);
      assertEquals(seen, naive);
      if (naive.fault === undefined) assertEquals(isAtBoundary, expected);
    }
  }
});

Deno.test("A stream of frames cut off at every length is at a boundary only between two frames", () => {
  const bytes = concatBytes([
    encodeFrame(FRAME.HEADERS, new Uint8Array(5)),
    encodeFrame(FRAME.DATA, new Uint8Array(70)),
    encodeFrame(0x40, new Uint8Array(3)),
  ]);
  const boundaries = [];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const seen = read(bytes.slice(0, cut), 7);
    assertEquals(seen, naiveRead(bytes.slice(0, cut)));
    if (seen.isAtBoundary) boundaries.push(cut);
  }
  assertEquals(boundaries, [0, 7, 80, bytes.length]);
});

Deno.test("Garbage gives frames or a typed fault, never an exception", () => {
  const dice = seededDice(2);
  for (let i = 0; i < 3_000; i++) {
    const bytes = dice.bytes(dice.int(80));
    const { isAtBoundary: _, ...seen } = read(bytes, 1 + dice.int(20));
    const { isAtBoundary: __, ...naive } = naiveRead(bytes);
    assertEquals(seen, naive);
  }
});

const CONNECT: Field[] = [[":method", "CONNECT"], [":authority", "a.example:1"]];

function message(next: "tunnel" | "content" = "tunnel") {
  const heads: (readonly Field[])[] = [];
  let data = "";
  const reader = new MessageReader(1_000, {
    head: (fields) => {
      heads.push(fields);
      return fields.some(([, value]) => value === "100") ? "head" : next;
    },
    data: (bytes) => void (data += bytes.toHex()),
  });
  return {
    push: (...frames: Uint8Array[]) => reader.push(concatBytes(frames)),
    end: () => reader.end(),
    heads,
    data: () => data,
  };
}

const headers = (fields: Field[]) => encodeFrame(FRAME.HEADERS, encodeFieldSection(fields));
const data = (...bytes: number[]) => encodeFrame(FRAME.DATA, new Uint8Array(bytes));
const grease = encodeFrame(greaseNumber(5), new Uint8Array(40));

Deno.test("A request is a head and the bytes behind it, with unknown frames anywhere between", () => {
  const { push, end, heads, data: read } = message();
  assertEquals(
    push(grease, headers(CONNECT), grease, data(1, 2), data(), grease, data(3)),
    undefined,
  );
  assertEquals([heads, read(), end()], [[CONNECT], "010203", "whole"]);
});

Deno.test("An answer may come behind others of 1xx, and a content may have trailers", () => {
  const { push, end, heads, data: read } = message("content");
  const [early, final]: Field[][] = [[[":status", "100"]], [[":status", "403"]]];
  assertEquals(push(headers(early), headers(final), data(7), headers([["t", "1"]])), undefined);
  assertEquals([heads, read(), end()], [[early, final], "07", "whole"]);
});

Deno.test("A stream that ends within a frame was cut off, and one without a head says nothing", () => {
  const { push, end, data: read } = message();
  assertEquals(end(), "without head");
  push(headers(CONNECT), data(1));
  assertEquals(end(), "whole");
  push(CUT_OFF);
  assertEquals([end(), read()], ["cut off", "01"]);
  for (let cut = 1; cut < headers(CONNECT).length; cut++) {
    const other = message();
    assertEquals(other.push(headers(CONNECT).subarray(0, cut)), undefined);
    assertEquals(other.end(), "cut off");
  }
});

Deno.test("Frames in the wrong place are faults of the connection", () => {
  const wrong: readonly (readonly [Uint8Array[], number])[] = [
    [[data(1)], ERROR.FRAME_UNEXPECTED],
    [[headers(CONNECT), headers(CONNECT)], ERROR.FRAME_UNEXPECTED],
    [[encodeFrame(FRAME.SETTINGS, new Uint8Array(0))], ERROR.FRAME_UNEXPECTED],
    [[headers(CONNECT), encodeFrame(FRAME.GOAWAY, new Uint8Array(1))], ERROR.FRAME_UNEXPECTED],
    [[encodeFrame(0x6, new Uint8Array(8))], ERROR.FRAME_UNEXPECTED],
    [[encodeFrame(FRAME.PUSH_PROMISE, new Uint8Array(2))], ERROR.ID_ERROR],
    [[encodeFrame(FRAME.HEADERS, new Uint8Array([1, 0]))], ERROR.QPACK_DECOMPRESSION_FAILED],
  ];
  for (const [frames, code] of wrong) {
    const found = message().push(...frames);
    assertEquals([found?.code, found?.isOfStream], [code, undefined]);
  }
});

Deno.test("A head that is too long spoils its stream and nothing else, before it has come", () => {
  const announced = encodeFrame(FRAME.HEADERS, new Uint8Array(1_001)).subarray(0, 3);
  const found = message().push(announced);
  assertEquals([found?.code, found?.isOfStream], [ERROR.EXCESSIVE_LOAD, true]);
});

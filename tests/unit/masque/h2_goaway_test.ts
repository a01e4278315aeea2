import { assert, assertEquals } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { type Goaway, GoawayFilter } from "../../../src/masque/h2_goaway.ts";

function frame(type: number, payload: number[]): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  return Uint8Array.from([0, length >> 8, length & 255, type, 0, 0, 0, 0, 1, ...payload]);
}

const SETTINGS = frame(4, []);
const DATA = frame(0, Array.from({ length: 300 }, (_, i) => i === 40 ? 7 : i & 255));
const BYE = frame(7, [0x80, 0, 0, 9, 0, 0, 0, 2, 100, 101]);
const BYE_BARE = frame(7, [0, 0, 0, 5, 0, 0, 0, 0]);
const BYE_SHORT = frame(7, [0, 0]);
const BYE_EMPTY = frame(7, []);

function run(input: Uint8Array<ArrayBuffer>, step: number, preface = 0) {
  const goaways: Goaway[] = [];
  const passed: Uint8Array[] = [];
  const filter = new GoawayFilter((goaway) => goaways.push(goaway), preface);
  for (let at = 0; at < input.length; at += step) {
    filter.push(input.slice(at, at + step), (bytes) => passed.push(bytes));
  }
  return { goaways, passed: concatBytes(passed), pieces: passed.length };
}

Deno.test("GOAWAY frames are taken out at any cut, and every other byte passes", () => {
  const input = concatBytes([
    SETTINGS,
    BYE,
    DATA,
    DATA,
    BYE_BARE,
    SETTINGS,
    BYE_SHORT,
    BYE_EMPTY,
    DATA,
  ]);
  const rest = concatBytes([SETTINGS, DATA, DATA, SETTINGS, DATA]);
  for (const step of [1, 2, 3, 7, 8, 9, 10, 100, input.length]) {
    const { goaways, passed } = run(input, step);
    assertEquals(passed, rest, `in steps of ${step}`);
    assertEquals(goaways, [
      { lastStreamId: 9, code: 2 },
      { lastStreamId: 5, code: 0 },
      { lastStreamId: 0, code: 1 },
      { lastStreamId: 0, code: 1 },
    ]);
  }
});

Deno.test("A GOAWAY at the very end is told at once", () => {
  for (const step of [1, 4, 1000]) {
    assertEquals(run(concatBytes([DATA, BYE]), step).goaways.length, 1);
  }
});

Deno.test("The client's preface passes before the first frame", () => {
  const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  for (const step of [1, 5, 24, 1000]) {
    const { goaways, passed } = run(concatBytes([preface, BYE, SETTINGS]), step, preface.length);
    assertEquals([goaways.length, passed.length], [1, preface.length + SETTINGS.length]);
  }
});

Deno.test("Whole frames pass in one piece and without a copy", () => {
  const input = concatBytes([SETTINGS, DATA, DATA, DATA]);
  let buffer;
  new GoawayFilter(() => {}).push(input, (bytes) => buffer = bytes.buffer);
  assert(buffer === input.buffer);
  assertEquals(run(input, input.length).pieces, 1);
});

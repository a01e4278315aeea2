import { assertEquals } from "@std/assert";
import { Assembler } from "../../../src/tcp/assembler.ts";
import { MAX_OUT_OF_ORDER_PIECES } from "../../../src/tcp/constants.ts";
import { seqAdd, seqDiff } from "../../../src/wire/seq.ts";
import { seededDice } from "../random.ts";

/** The numbers of a set as ranges of those without a gap. */
function rangesOf(numbers: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === n) last[1]++;
    else ranges.push([n, n + 1]);
  }
  return ranges;
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  // Half of the runs pass through zero.
  const base = seed % 2 === 0 ? 0xfffffe00 : 1_000_000;

  Deno.test(`the assembler is a map with a byte for each number (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const assembler = new Assembler();
    const twin = new Map<number, number>();
    let next = 0;
    for (let step = 0; step < 1500; step++) {
      if (dice.int(4) < 3) {
        const at = next + 1 + dice.int(400);
        const bytes = dice.bytes(3 + dice.int(60));
        const start = dice.int(3);
        assertEquals(assembler.insert(seqAdd(base, at), bytes, start, bytes.length), true);
        for (let i = start; i < bytes.length; i++) {
          // Bytes that came first win.
          if (!twin.has(at + i - start)) twin.set(at + i - start, bytes[i]);
        }
        checkBlocks(assembler, twin, base, at);
      } else {
        next += 1 + dice.int(80);
        for (const at of twin.keys()) if (at < next) twin.delete(at);
        for (let piece; (piece = assembler.take(seqAdd(base, next))) !== undefined;) {
          assertEquals(piece.length > 0, true);
          for (const byte of piece) {
            assertEquals(byte, twin.get(next));
            twin.delete(next++);
          }
        }
        assertEquals(twin.has(next), false, "take stops at the gap");
      }
      assertEquals(assembler.length, twin.size);
    }
    assembler.clear();
    assertEquals([assembler.length, assembler.take(seqAdd(base, next + 10_000))], [0, undefined]);
  });
}

function checkBlocks(assembler: Assembler, twin: Map<number, number>, base: number, at: number) {
  const limit = 3;
  const edges = new Uint32Array(8);
  const count = assembler.blocks(edges, limit);
  const blocks = Array.from(
    { length: count },
    (_, i) => [seqDiff(edges[2 * i], base), seqDiff(edges[2 * i + 1], base)],
  );
  const ranges = rangesOf(twin.keys());
  assertEquals(count, Math.min(ranges.length, limit));
  const holder = ranges.find(([start, end]) => start <= at && at < end)!;
  assertEquals(blocks[0], holder, "the block of the latest segment comes first");
  for (const block of blocks) {
    assertEquals(ranges.some(([start, end]) => start === block[0] && end === block[1]), true);
  }
  assertEquals(new Set(blocks.map(([start]) => start)).size, count, "no block comes twice");
}

Deno.test("the assembler is bounded in pieces, and says when it dropped some", () => {
  const assembler = new Assembler();
  const byte = Uint8Array.of(1);
  for (let i = 0; i < MAX_OUT_OF_ORDER_PIECES; i++) {
    assertEquals(assembler.insert(2 * i, byte, 0, 1), true);
  }
  assertEquals(assembler.insert(9_999_999, byte, 0, 1), false);
  assertEquals(assembler.length, MAX_OUT_OF_ORDER_PIECES);
  assertEquals(assembler.insert(0, byte, 0, 1), true, "what is there needs no place");
});

import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.2";
import { Assembler } from "../../../src/tcp/assembler.ts";
import { Flight } from "../../../src/tcp/flight.ts";
import {
  seqAdd,
  seqDiff,
  seqInWindow,
  seqLess,
  seqLessEqual,
  seqMax,
} from "../../../src/wire/seq.ts";

const seq = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** A distance that leaves no doubt which of two numbers comes first. */
const near = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });

Deno.test("property: what is added to a number is the difference to it", () => {
  fc.assert(fc.property(seq, near, (a, distance) => {
    const b = seqAdd(a, distance);
    assertEquals([b >= 0, b < 2 ** 32, Number.isInteger(b)], [true, true, true]);
    assertEquals([seqDiff(b, a), seqAdd(b, -distance)], [distance, a]);
  }));
});

Deno.test("property: of two numbers less than half the circle apart exactly one comes first, wherever they are", () => {
  fc.assert(fc.property(seq, near, seq, (a, distance, shift) => {
    const b = seqAdd(a, distance);
    assertEquals(seqLess(a, b), distance > 0);
    assertEquals(seqLessEqual(a, b), distance >= 0);
    assertEquals(seqMax(a, b), distance >= 0 ? b : a);
    assertEquals(seqLess(seqAdd(a, shift), seqAdd(b, shift)), seqLess(a, b));
    if (distance !== 0) assertEquals(seqLess(a, b), !seqLess(b, a));
  }));
});

Deno.test("property: the order is transitive within half the circle", () => {
  const step = fc.integer({ min: 0, max: 2 ** 30 - 1 });
  fc.assert(fc.property(seq, step, step, (a, first, second) => {
    const [b, c] = [seqAdd(a, first), seqAdd(a, first + second)];
    assertEquals([seqLessEqual(a, b), seqLessEqual(b, c), seqLessEqual(a, c)], [true, true, true]);
  }));
});

Deno.test("property: a window holds as many numbers as it is long, from its start on", () => {
  const size = fc.integer({ min: 0, max: 2 ** 30 });
  fc.assert(fc.property(seq, size, near, (start, size, distance) => {
    const isInside = distance >= 0 && distance < size;
    assertEquals(seqInWindow(seqAdd(start, distance), start, size), isInside);
  }));
});

const STREAM = Uint8Array.from({ length: 2000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
/** Segments of the stream: where each begins, and how long it is. */
const segments = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 1900 }), fc.integer({ min: 1, max: 100 })),
  { maxLength: 60 },
);

Deno.test("property: whatever the order, overlaps and repeats, the assembler gives back the stream and nothing else", () => {
  fc.assert(fc.property(seq, segments, (base, segments) => {
    const assembler = new Assembler();
    const arrived = new Set<number>();
    let next = 0;
    for (const [at, length] of segments) {
      for (let i = at; i < at + length; i++) if (i >= next) arrived.add(i);
      if (at > next) assembler.insert(seqAdd(base, at), STREAM, at, at + length);
      else {
        next = Math.max(next, at + length);
        for (let piece; (piece = assembler.take(seqAdd(base, next))) !== undefined;) {
          assertEquals(piece, STREAM.subarray(next, next + piece.length));
          next += piece.length;
        }
      }
      for (let i = 0; i < next; i++) arrived.delete(i);
      assertEquals(arrived.has(next), false, "what follows without a gap is given back");
      // Pieces that the stream has passed are let go when it meets them.
      assembler.take(seqAdd(base, next));
      assertEquals(assembler.length, arrived.size);
    }
  }));
});

Deno.test("property: the blocks of an assembler are ranges that came, disjoint, and above what is in order", () => {
  fc.assert(fc.property(seq, segments, fc.integer({ min: 1, max: 4 }), (base, segments, limit) => {
    const assembler = new Assembler();
    const arrived = new Set<number>();
    for (const [at, length] of segments) {
      assembler.insert(seqAdd(base, at + 1), STREAM, at, at + length);
      for (let i = at + 1; i <= at + length; i++) arrived.add(i);
      const edges = new Uint32Array(8);
      const count = assembler.blocks(edges, limit);
      const seen = new Set<number>();
      for (let i = 0; i < count; i++) {
        const [left, right] = [seqDiff(edges[2 * i], base), seqDiff(edges[2 * i + 1], base)];
        assertEquals([arrived.has(left - 1), arrived.has(right)], [false, false], "a whole range");
        for (let n = left; n < right; n++) {
          assertEquals([arrived.has(n), seen.has(n)], [true, false]);
          seen.add(n);
        }
      }
      assertEquals(seen.has(at + 1), true, "the latest segment is reported");
    }
  }));
});

Deno.test("property: a flight counts each reported byte once, and calls nothing lost that was reported", () => {
  fc.assert(
    fc.property(seq, segments, fc.integer({ min: 0, max: 2000 }), (base, blocks, ack) => {
      const flight = new Flight();
      const silent = { delivered() {} };
      const end = Math.max(2000, ...blocks.map(([at, length]) => at + length)) + 1;
      flight.restart(base);
      flight.send(seqAdd(base, end), 1);
      const reported = new Set<number>();
      for (const [at, length] of blocks) {
        const before = reported.size;
        for (let i = at; i < at + length; i++) reported.add(i);
        const news = flight.report(seqAdd(base, at), seqAdd(base, at + length), silent);
        assertEquals(news, reported.size - before);
      }
      flight.acknowledge(seqAdd(base, ack), silent);
      for (const n of reported) if (n < ack) reported.delete(n);
      assertEquals(flight.reportedBytes, reported.size);
      flight.loseBefore(2, seqAdd(base, end), 0, 2);
      assertEquals(flight.lostBytes, end - ack - reported.size);
      assertEquals(reported.has(seqDiff(flight.lostFrom(), base)), false);
    }),
  );
});

import { assertEquals } from "@std/assert";
import {
  seqAdd,
  seqDiff,
  seqInWindow,
  seqLess,
  seqLessEqual,
  seqMax,
} from "../../../src/wire/seq.ts";
import { seededDice } from "../random.ts";

Deno.test("numbers go round at 2^32, and differences are signed", () => {
  assertEquals(seqAdd(0xffffffff, 1), 0);
  assertEquals(seqAdd(0, -1), 0xffffffff);
  assertEquals(seqDiff(1, 0xffffffff), 2);
  assertEquals(seqDiff(0xffffffff, 1), -2);
  assertEquals(seqMax(0xfffffff0, 5), 5);
  assertEquals(seqMax(5, 0xfffffff0), 5);
});

Deno.test("the order is that of big integers on the circle", () => {
  const dice = seededDice(4);
  const round = (n: bigint) => ((n % 2n ** 32n) + 2n ** 32n) % 2n ** 32n;
  for (let i = 0; i < 5000; i++) {
    const a = dice.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, dice.int(2 ** 32)]);
    const step = dice.pick([
      0,
      1,
      -1,
      0x7fffffff,
      -0x7fffffff,
      dice.int(2 ** 31),
      -dice.int(2 ** 31),
    ]);
    const b = Number(round(BigInt(a) + BigInt(step)));
    assertEquals(seqAdd(a, step), b);
    assertEquals(seqDiff(b, a), step);
    assertEquals(seqLess(a, b), step > 0);
    assertEquals(seqLessEqual(a, b), step >= 0);
    assertEquals(seqMax(a, b), step >= 0 ? b : a);
  }
});

Deno.test("a window of any size holds its numbers and no other", () => {
  for (const start of [0, 100, 0xfffffff0]) {
    for (const size of [0, 1, 20, 65_536]) {
      for (const at of [-1, 0, 1, 19, 20, 65_535, 65_536]) {
        assertEquals(seqInWindow(seqAdd(start, at), start, size), at >= 0 && at < size);
      }
    }
  }
});

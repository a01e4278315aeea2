import { assertEquals } from "@std/assert";
import { RightSize } from "../../../src/tcp/right_size.ts";

const MEBIBYTE = 2 ** 20;
const MOST = 16 * MEBIBYTE;

/** Lets `bytes` leave in each of so many rounds of `ms`, and gives what the queue may hold then. */
function after(size: RightSize, rounds: number, bytes: number, ms: number, rttMs = ms): number {
  size.measure(0, rttMs);
  for (let round = 1; round <= rounds; round++) {
    size.take(bytes);
    size.measure(round * ms, rttMs);
  }
  return size.bytes;
}

Deno.test("a queue begins with 1 MiB, or with the most it may have", () => {
  assertEquals(new RightSize(MOST).bytes, MEBIBYTE);
  assertEquals(new RightSize(5000).bytes, 5000);
});

Deno.test("a queue of which little leaves in a round trip stays as it is", () => {
  assertEquals(after(new RightSize(MOST), 50, MEBIBYTE / 2, 100), MEBIBYTE);
});

Deno.test("a queue of which more than the half leaves in a round trip grows to four times that", () => {
  assertEquals(after(new RightSize(MOST), 1, 600_000, 100), 2_400_000);
  assertEquals(after(new RightSize(MOST), 50, 600_000, 100), 2_400_000);
});

Deno.test("a queue never grows beyond the most it may have, and never shrinks", () => {
  const size = new RightSize(MOST);
  assertEquals(after(size, 1, 12_500_000, 100), MOST);
  assertEquals(after(size, 50, 1000, 100), MOST);
});

Deno.test("a window that is used up in each round trip reaches 16 MiB in a few of them", () => {
  const size = new RightSize(MOST);
  let rounds = 0;
  for (size.measure(0, 100); size.bytes < MOST; rounds++) {
    size.take(size.bytes);
    size.measure(100 * (rounds + 1), 100);
  }
  assertEquals(rounds, 2);
});

Deno.test("what leaves while no one looks for long is counted by the time that it took", () => {
  const size = new RightSize(MOST);
  size.measure(0, 10);
  size.take(8_000_000);
  size.measure(100, 10);
  assertEquals(size.bytes, 4 * 800_000);
});

Deno.test("before a round trip is over nothing is concluded", () => {
  const size = new RightSize(MOST);
  size.measure(0, 20);
  size.take(3 * MEBIBYTE);
  size.measure(19.9, 20);
  assertEquals(size.bytes, MEBIBYTE);
  size.measure(20, 20);
  assertEquals(size.bytes, 12 * MEBIBYTE);
});

Deno.test("on a local path a queue stays as it is, however fast it is and in whatever batches", () => {
  for (const rttMs of [0, 0.05, 0.3]) {
    assertEquals(after(new RightSize(MOST), 100, 12 * MEBIBYTE, 10, rttMs), MEBIBYTE);
  }
});

Deno.test("a round trip that nobody has measured is taken for 100 ms", () => {
  const size = new RightSize(MOST);
  size.measure(0, Infinity);
  size.take(MEBIBYTE);
  size.measure(99, Infinity);
  assertEquals(size.bytes, MEBIBYTE);
  size.measure(100, Infinity);
  assertEquals(size.bytes, 4 * MEBIBYTE);
});

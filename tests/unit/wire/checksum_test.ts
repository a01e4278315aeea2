import { assertEquals } from "@std/assert";
import { checksum, fold, pseudoHeaderSum } from "../../../src/wire/checksum.ts";
import { naiveSum } from "../../support/naive_packet.ts";
import { seededDice } from "../random.ts";

Deno.test("the checksum of RFC 1071, section 3, is its example", () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assertEquals(checksum(bytes, 0, 8), 0xddf2);
});

Deno.test("the checksum is that of the naive twin at every offset and length", () => {
  const bytes = seededDice(1).bytes(80);
  for (let start = 0; start < 40; start++) {
    for (let end = start; end <= bytes.length; end++) {
      assertEquals(checksum(bytes, start, end), naiveSum(bytes.subarray(start, end)));
    }
  }
});

Deno.test("the longest packet of the largest words does not overflow", () => {
  const bytes = new Uint8Array(65_535).fill(0xff);
  assertEquals(checksum(bytes, 0, 65_534, 0xffff), 0xffff);
  assertEquals(checksum(bytes, 0, 65_535), naiveSum(bytes));
});

Deno.test("sums of parts add up, where the parts begin at even places", () => {
  const bytes = seededDice(2).bytes(101);
  for (let cut = 0; cut <= 100; cut += 2) {
    assertEquals(checksum(bytes, cut, 101, checksum(bytes, 0, cut)), checksum(bytes, 0, 101));
  }
});

Deno.test("folding brings any sum to 16 bits without losing a carry", () => {
  const values = [[0, 0], [0xffff, 0xffff], [0x10000, 1], [0x1ffff, 1], [0xffff * 40_000, 0xffff]];
  for (const [sum, folded] of values) assertEquals(fold(sum), folded);
});

Deno.test("the pseudo-header is summed as if it stood in front", () => {
  const dice = seededDice(3);
  for (const length of [4, 16]) {
    for (const payload of [0, 1, 1480, 65_535, 100_000]) {
      const packet = dice.bytes(3 + 2 * length);
      const high = [payload >>> 24, payload >>> 16 & 255];
      const pseudo = Uint8Array.of(
        ...packet.subarray(3),
        ...high,
        payload >>> 8 & 255,
        payload,
        0,
        6,
      );
      assertEquals(pseudoHeaderSum(packet, 3, 3 + length, length, 6, payload), naiveSum(pseudo));
    }
  }
});

import { assertEquals } from "@std/assert";
import { Sums } from "../../../src/wire/sums.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { naiveSum } from "../../support/naive_packet.ts";
import { seededDice } from "../random.ts";

/** Runs `action` where there is no WebAssembly. */
function withoutWebAssembly<T>(action: () => T): T {
  const property = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly")!;
  Object.defineProperty(globalThis, "WebAssembly", { ...property, value: undefined });
  try {
    return action();
  } finally {
    Object.defineProperty(globalThis, "WebAssembly", property);
  }
}

const KINDS: Readonly<Record<string, () => Sums>> = {
  "of a buffer of their own": () => Sums.ofLength(MAX_FRAME_LENGTH),
  "of somebody else's buffer": () => new Sums(new Uint8Array(MAX_FRAME_LENGTH + 3).subarray(3)),
  "without WebAssembly": () => withoutWebAssembly(() => Sums.ofLength(MAX_FRAME_LENGTH)),
};

for (const [words, make] of Object.entries(KINDS)) {
  Deno.test(`sums ${words} are those of the naive twin at every offset and length`, () => {
    const sums = make();
    const { bytes } = sums;
    assertEquals(bytes.length, MAX_FRAME_LENGTH);
    bytes.set(seededDice(4).bytes(400));
    for (let start = 0; start < 35; start++) {
      for (let end = start; end <= 400; end++) {
        assertEquals(sums.sum(start, end), naiveSum(bytes.subarray(start, end)));
      }
    }
  });

  Deno.test(`sums ${words} go on from an initial one, and do not overflow`, () => {
    const sums = make();
    sums.bytes.fill(0xff);
    assertEquals(sums.sum(0, MAX_FRAME_LENGTH - 1, 0xffff), 0xffff);
    sums.bytes.fill(0x12);
    for (const end of [20, 200, MAX_FRAME_LENGTH]) {
      const initial = Uint8Array.of(0xab, 0xcd);
      assertEquals(sums.sum(0, end, 0xabcd), naiveSum(initial, sums.bytes.subarray(0, end)));
    }
  });
}

Deno.test("sums read what was written into the buffer, and into no other", () => {
  const [first, second] = [Sums.ofLength(1000), Sums.ofLength(1000)];
  first.bytes.fill(1);
  assertEquals([first.sum(0, 1000), second.sum(0, 1000)], [naiveSum(first.bytes), 0]);
  first.view.setUint16(500, 0xffff);
  assertEquals(first.sum(0, 1000), naiveSum(first.bytes));
});

import { assert, assertEquals } from "@std/assert";
import { RESERVED_BYTES } from "../../../src/tcp/constants.ts";
import { Memory } from "../../../src/tcp/memory.ts";

Deno.test("each queue may hold a quarter of what is free, and never less than what is reserved", () => {
  const memory = new Memory(1_000_000);
  const holder = { heldBytes: 0 };
  assertEquals(memory.share, 250_000);
  memory.hold(holder, 600_000);
  assertEquals([memory.usedBytes, memory.share], [600_000, 100_000]);
  memory.hold(holder, 1_200_000);
  assertEquals(memory.share, RESERVED_BYTES);
  memory.hold(holder, 0);
  assertEquals([memory.usedBytes, memory.share], [0, 250_000]);
});

Deno.test("however many flows want all they can get, there is something left for the next one", () => {
  const memory = new Memory(2 ** 28);
  const flows = Array.from({ length: 1000 }, () => ({ heldBytes: 0 }));
  for (let turn = 0; turn < 20; turn++) {
    for (const flow of flows) {
      if (flow.heldBytes < memory.share) memory.hold(flow, flow.heldBytes + 65_536);
    }
  }
  assert(memory.usedBytes < 2 ** 28, `${memory.usedBytes} are held`);
  const least = Math.min(...flows.map(({ heldBytes }) => heldBytes));
  assert(least >= 131_072, `one of them got ${least}`);
});

Deno.test("without memory a queue keeps what is reserved for it, or one packet, and no more", () => {
  const memory = new Memory(100_000);
  assert(memory.mayKeep(100_000, 50_000));
  memory.hold({ heldBytes: 0 }, 100_000);
  assert(memory.mayKeep(65_000, 0), "the first packet");
  assert(memory.mayKeep(4000, RESERVED_BYTES - 4000));
  assert(!memory.mayKeep(4001, RESERVED_BYTES - 4000));
});

import { assertEquals } from "@std/assert";
import { type PeerKind, runScenario } from "./scenario.ts";

/** How many seeds each peer is tried with. `deno task sim --peer KIND --seed N` shows one of them, packet by packet. */
const SEEDS: { readonly [kind in PeerKind]: number } = {
  "endpoint": 800,
  "naive": 600,
  "naive-sack": 600,
};

for (const [kind, count] of Object.entries(SEEDS) as [PeerKind, number][]) {
  Deno.test(`${count} seeded connections against the peer "${kind}" carry every byte and leave nothing`, () => {
    for (let seed = 1; seed <= count; seed++) {
      try {
        runScenario(seed, kind);
      } catch (error) {
        throw new Error(`See it with: deno task sim --peer ${kind} --seed ${seed}`, {
          cause: error,
        });
      }
    }
  });
}

Deno.test("a scenario is the same whenever it runs", () => {
  assertEquals(runScenario(7, "endpoint"), runScenario(7, "endpoint"));
  assertEquals(runScenario(8, "naive"), runScenario(8, "naive"));
});

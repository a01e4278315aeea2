import { assertEquals } from "@std/assert";
import { delay, loss, type Node, rate } from "./link.ts";
import { App, type AppOptions } from "./app.ts";
import { EndpointHost, StackHost } from "./hosts.ts";
import { type PeerKind, runScenario } from "./scenario.ts";
import { seededRandom } from "../unit/random.ts";
import { World } from "./world.ts";

/** How many seeds each peer is tried with. `deno task sim --peer KIND --seed N` shows one of them, packet by packet. */
const SEEDS: { readonly [kind in PeerKind]: number } = {
  "endpoint": 300,
  "naive": 250,
  "naive-sack": 250,
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

const MEGABYTE = 1_000_000;

/** Carries a megabyte from the stack to an endpoint of ours and gives the rate in Mbit/s. */
function throughput(lossRate: number, delayMs: number): number {
  const base: Omit<AppOptions, "side" | "sendBytes" | "expectBytes"> = {
    maxWriteBytes: 65_536,
    readPauseMs: 0,
    writePauseMs: 0,
    answers: false,
  };
  const random = seededRandom(1);
  const apps = [
    new App({ ...base, side: 0, sendBytes: 0, expectBytes: MEGABYTE }, random),
    new App({ ...base, side: 1, sendBytes: MEGABYTE, expectBytes: 0 }, random),
  ];
  const peer = new EndpointHost({}, apps[0]);
  const options = { mtu: 1500, offload: false, secret: new Uint8Array(16) };
  const stack = new StackHost(options, apps[1], 0);
  const link = (): Node[] => [rate(100e6, 200_000), delay(delayMs), loss(lossRate)];
  const world = new World(1, [peer, stack], [link(), link()]);
  world.run(600_000, () => apps.every((app) => app.isDone));
  return MEGABYTE * 8 / 1000 / world.now;
}

Deno.test("throughput against loss is what the table says", async (t) => {
  const rows = ["A megabyte over 100 Mbit/s, in Mbit/s", "", "loss    1 ms   10 ms   50 ms"];
  for (const lossRate of [0, 0.001, 0.01, 0.02, 0.05, 0.1]) {
    const cells = [1, 10, 50].map((ms) => throughput(lossRate, ms).toFixed(2).padStart(8));
    rows.push(`${(lossRate * 100).toFixed(1).padStart(4)}%${cells.join("").slice(1)}`);
  }
  await t.assertSnapshot(rows.join("\n"));
});

/**
 * `deno task sim`: runs simulated connections, or with `--seed N` one of them, packet by packet, in words.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type PeerKind, runScenario } from "./scenario.ts";

const KINDS: readonly PeerKind[] = ["endpoint", "naive", "naive-sack"];

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    peer: { type: "string", default: "endpoint" },
    count: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
  },
});

if (!KINDS.includes(values.peer as PeerKind)) {
  console.error(`Cannot run against "${values.peer}": say ${KINDS.join(", ")}`);
  Deno.exit(2);
}
const peer = values.peer as PeerKind;

if (values.seed !== undefined) {
  const { tookMs, packets } = runScenario(Number(values.seed), peer, (line) => console.log(line));
  console.log(`done after ${tookMs.toFixed(1)} ms, ${packets[0]} + ${packets[1]} packets`);
} else {
  let failed = 0;
  const [from, count] = [Number(values.from), Number(values.count)];
  for (let seed = from; seed < from + count; seed++) {
    try {
      runScenario(seed, peer);
    } catch (error) {
      failed++;
      console.log(`seed ${seed}: ${error}`);
    }
  }
  console.log(`${count} connections against "${peer}", ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}

/**
 * `deno task fuzz --seconds N`: garbage into the stack, one seed after the other. What fails prints its seed; `--seed` begins there.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { fuzz } from "./fuzzer.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    seed: { type: "string" },
  },
});
const seconds = Number(values.seconds);
// Another part of the garbage every time, unless one is asked for.
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(first)) {
  console.error('Cannot fuzz like that: say "--seconds 30", and perhaps "--seed 7"');
  Deno.exit(2);
}

/** A seed is done after this: long enough for conversations, short enough to come back in full. */
const RUN_MS = 2000;

const end = performance.now() + seconds * 1000;
const sum = { packets: 0, dropped: 0, answers: 0, events: 0 };
let seed = first;
for (let left; (left = end - performance.now()) > 0; seed++) {
  const harvest = fuzz(seed, Math.min(left, RUN_MS));
  for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += harvest[name];
}
const { packets, dropped, answers, events } = sum;
console.log(
  `seeds ${first} to ${
    seed - 1
  }: ${packets} packets, ${dropped} dropped, ${answers} answers, ${events} events`,
);

/**
 * What things may cost, as ratios inside one run, so that they hold on any machine and on a busy one. Each bound is several times what was
 * measured: it is there for the change that makes something ten times as slow, or that makes it grow with the number of flows.
 *
 * @module
 */

import { assert } from "@std/assert";
import { newParsed, parseFrame } from "../../../src/stack/ingress.ts";
import { checksum } from "../../../src/wire/checksum.ts";
import { ratioOf } from "../../bench/micro/compare.ts";
import { Traffic } from "../../bench/micro/traffic.ts";
import { naiveChecksum } from "../../support/client_host.ts";

const CHUNK = new Uint8Array(64_000);
const SEGMENT = new Uint8Array(1448);

/** Chunks in one run: the least that the congestion window lets go at its start. */
const CHUNKS = 2;

/** Enough work for a clock that ticks in microseconds. */
function often(run: () => void, times: number) {
  return () => {
    for (let i = 0; i < times; i++) run();
  };
}

const copyChunk = { run: often(() => new Uint8Array(CHUNK.length).set(CHUNK), CHUNKS) };

/** The work of taking or giving chunks, in which the traffic settles between the runs. */
function chunks(kind: "take" | "give") {
  const traffic = new Traffic(1);
  let batches: Uint8Array[][] = [];
  return {
    prepare() {
      traffic.settle(0);
      if (kind === "take") batches = Array.from({ length: CHUNKS }, () => traffic.frames(0, CHUNK));
    },
    run() {
      if (kind === "take") { for (const frames of batches) traffic.take(0, frames); }
      else {
        for (let i = 0; i < CHUNKS; i++) {
          if (traffic.give(0, CHUNK) === 0) throw new Error("Nothing left the stack");
        }
      }
    },
  };
}

function expectAtMost(bound: number, ratio: number, what: string): void {
  assert(ratio <= bound, `${what}: ${ratio.toFixed(2)} times as long, and ${bound} are allowed`);
}

Deno.test("payload from the program costs little more than its copy", () => {
  expectAtMost(6, ratioOf(chunks("take"), copyChunk), "taking 64,000 bytes beside copying them");
});

Deno.test("payload for the program costs little more than its copy", () => {
  expectAtMost(6, ratioOf(chunks("give"), copyChunk), "giving 64,000 bytes beside copying them");
});

Deno.test("our checksum is no slower than the naive one", () => {
  const ours = { run: () => void checksum(CHUNK, 0, CHUNK.length) };
  const naive = { run: () => void naiveChecksum(CHUNK) };
  expectAtMost(1.2, ratioOf(ours, naive), "summing 64,000 bytes");
});

Deno.test("parsing a segment costs less than summing it", () => {
  const [frame] = new Traffic(1).frames(0, SEGMENT);
  const parsed = newParsed();
  const parse = { run: often(() => parseFrame(frame, frame.length, parsed), 200) };
  const sum = { run: often(() => naiveChecksum(frame), 200) };
  expectAtMost(0.5, ratioOf(parse, sum), "parsing a segment without a checksum to verify");
});

Deno.test("a segment costs the same among 5,000 flows as among 50", () => {
  const segments = (count: number) => {
    const traffic = new Traffic(count);
    let flows: number[] = [];
    let batch: Uint8Array[][] = [];
    let next = 0;
    return {
      prepare() {
        for (const i of flows) traffic.settle(i);
        // The same number of flows in both, so that the processor's memory is no part of the question.
        flows = Array.from({ length: 20 }, () => next = (next + 1) % 50);
        batch = flows.map((i) => traffic.frames(i, SEGMENT));
      },
      run: () => flows.forEach((i, at) => traffic.take(i, batch[at])),
    };
  };
  expectAtMost(4, ratioOf(segments(5_000), segments(50)), "taking a segment");
});

/**
 * What a process holds, after everything that nobody needs is gone.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

/** Bytes, of all or of one. */
export interface Reading {
  /** Objects of JavaScript. */
  readonly heap: number;
  /** What these objects hold outside of the heap: the contents of buffers. */
  readonly external: number;
  /** What the process holds in memory, the runtime's own objects and pages that are only half used included. */
  readonly resident: number;
}

/** `--v8-flags=--expose-gc` brings it. */
const { gc } = globalThis as { gc?: () => void };

/** Streams and sockets need some turns until the last of their promises is settled and forgotten. */
const ROUNDS = 5;
const TURN_MS = 20;

/** Reads after collecting garbage. */
export async function read(): Promise<Reading> {
  if (gc === undefined) throw new Error("Start this with --v8-flags=--expose-gc");
  for (let i = 0; i < ROUNDS; i++) {
    await sleep(TURN_MS);
    gc();
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heap: heapUsed, external, resident: rss };
}

/** What each of `count` things holds that came between two readings. */
export function each(before: Reading, after: Reading, count: number): Reading {
  return {
    heap: (after.heap - before.heap) / count,
    external: (after.external - before.external) / count,
    resident: (after.resident - before.resident) / count,
  };
}

/**
 * The calls of the C library that these programs need beside the library's own, and one clock for all processes.
 *
 * @module
 */

import { openCLibrary } from "../../../src/c_library.ts";

/** The C library, for one thread. */
export const c = openCLibrary({
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  usleep: { parameters: ["u32"], result: "i32" },
  // Blocks its thread, which in a Worker is what it is there for.
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
});

/** CLOCK_MONOTONIC of time.h: the same for all processes, which `performance.now` is not. */
const CLOCK_MONOTONIC = 1;
const time = new BigInt64Array(2);

/** Nanoseconds since the machine started. */
export function nanoseconds(): bigint {
  c.clock_gettime(CLOCK_MONOTONIC, time);
  return time[0] * 1_000_000_000n + time[1];
}

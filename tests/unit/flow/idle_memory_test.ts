/**
 * What an idle flow may hold, in a process of its own that collects its garbage before it looks. `deno task idle` tells the same of every layer.
 *
 * @module
 */

import { assert } from "@std/assert";

const ONE = new URL("../../bench/idle/one.ts", import.meta.url).pathname;

/** The stack's part of what ten thousand idle flows may hold each. Measured: 3,130 bytes, nearly the same on every machine. */
const BOUND_BYTES = 4096;
const FLOWS = 1_000;

Deno.test("an idle flow of the stack holds less than 4 KiB, and no buffer", async () => {
  const flags = ["run", "-A", "--no-check", "--v8-flags=--expose-gc"];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...flags, ONE, "flow", `${FLOWS}`, "{}"],
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  const { heap, external } = JSON.parse(decoder.decode(stdout));
  assert(heap > 0 && heap < BOUND_BYTES, `${heap} bytes of heap`);
  assert(external < 256, `${external} bytes of buffers`);
});

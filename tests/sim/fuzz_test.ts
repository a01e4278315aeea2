import { assert } from "@std/assert";
import { fuzz } from "./fuzzer.ts";

const RUN_MS = 700;

for (const seed of [1, 2, 3]) {
  Deno.test(`garbage gives drops and legal answers, never an exception, never growth (seed ${seed})`, () => {
    const { dropped, answers, events } = fuzz(seed, RUN_MS);
    assert(dropped > 100 && answers > 100 && events > 100, "the fuzzer hits too little");
  });
}

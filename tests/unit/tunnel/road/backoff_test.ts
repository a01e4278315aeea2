import { assert, assertEquals } from "@std/assert";
import { backoffMs } from "../../../../src/tunnel/road/backoff.ts";

const RANGE = { retryMs: 200, retryMaxMs: 30_000 };

Deno.test("The wait doubles up to its bound, and half of it is chance", () => {
  const most = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) => backoffMs(failures, RANGE, 1));
  assertEquals(most, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  for (let failures = 1; failures < 2_000; failures++) {
    const [least, most] = [backoffMs(failures, RANGE, 0), backoffMs(failures, RANGE, 1)];
    assertEquals(least * 2, most);
    assert(most <= RANGE.retryMaxMs, `${most} after ${failures}`);
  }
});

import { assert, assertEquals } from "@std/assert";
import { flowsWithin, maxOpenFiles } from "../../../src/cli/open_files.ts";

Deno.test("the limit of open files is read as the kernel tells it", () => {
  const line = "Max open files            1024                 524288               files";
  assertEquals(maxOpenFiles(() => `Limit  Soft Limit\n${line}\n`), 1024);
  assertEquals(maxOpenFiles(() => "Max open files  unlimited"), Infinity);
  const silent = () => {
    throw new Error("nothing there");
  };
  assertEquals(maxOpenFiles(silent), Infinity);
  assert(maxOpenFiles() > 100);
});

Deno.test("a limit is enough for so many flows, beside what else is open", () => {
  assertEquals(flowsWithin(20_000, 2), 9_950);
  assertEquals(flowsWithin(20_000, 1), 19_900);
  assertEquals(flowsWithin(64, 2), 0);
});

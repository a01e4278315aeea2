import { assert, assertEquals } from "@std/assert";
import { namedTests, PEER_FOLDERS, withPeers } from "../interop/page.ts";
import { type Side, SIDES } from "../interop/table.ts";
import { ROOT } from "./page.ts";
import { filesOf, readDeclared } from "./test_names.ts";

Deno.test("every cell of the table of peers names a test that exists, in one file", async () => {
  const declared = await readDeclared(ROOT, PEER_FOLDERS);
  const wrong = namedTests(SIDES).filter((name) => filesOf(name, declared).length !== 1);
  assertEquals(wrong, []);
});

Deno.test("the README's table of peers is fresh: deno task interop would change nothing", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const declared = await readDeclared(ROOT, PEER_FOLDERS);
  assert(withPeers(readme, SIDES, declared) === readme, "It is stale: run deno task interop");
});

Deno.test("a cell is a test, a fault that is told below, or not offered", () => {
  const sides: Side[] = [{
    title: "T",
    peers: [{
      name: "P",
      cells: { "TCP/1.1": "a test", "UDP/2": { fault: "it fails", test: "another" } },
      notes: ["is slow"],
    }],
  }];
  const page = "x\n<!-- peers: written by deno task interop -->\nold\n<!-- end of peers -->\ny";
  const written = withPeers(page, sides, [
    { path: "a_test.ts", name: "a test" },
    { path: "b_test.ts", name: "another" },
  ]);
  const row = '| P | [yes](a_test.ts "a test") | – | – | [fault](b_test.ts "another") |';
  const below = "- P, UDP over HTTP/2: it fails.\n- P (t) is slow.";
  assert(written.includes(row) && written.includes(below), written);
  assert(!written.includes("old") && written.startsWith("x\n") && written.endsWith("\ny"));
});

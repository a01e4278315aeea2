/**
 * `deno task interop`: runs the tests with peers that the table names, and writes the table into the README when all have passed.
 *
 * @module
 */

import { filesOf, passedIn, readDeclared } from "../conformance/test_names.ts";
import { namedTests, PEER_FOLDERS, withPeers } from "./page.ts";
import { SIDES } from "./table.ts";

const ROOT = new URL("../../", import.meta.url);
const README = new URL("README.md", ROOT);

Deno.chdir(ROOT);
const declared = await readDeclared(ROOT, PEER_FOLDERS);
const names = namedTests(SIDES);
const files = [...new Set(names.flatMap((name) => filesOf(name, declared)))];
const filter = `/^(${names.map((name) => RegExp.escape(name)).join("|")})$/`;
const report = await Deno.makeTempFile({ suffix: ".xml" });
await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", `--junit-path=${report}`, "--filter", filter, ...files],
  stdout: "inherit",
  stderr: "inherit",
}).output();
const passed = passedIn([await Deno.readTextFile(report)]);
await Deno.remove(report);
const missing = names.filter((name) => !passed.has(name));
if (missing.length > 0) {
  console.error(
    `README.md stays as it is: ${missing.map((name) => `"${name}"`).join(", ")} did not pass`,
  );
  Deno.exit(1);
}
const page = await Deno.readTextFile(README);
const fresh = withPeers(page, SIDES, declared);
await Deno.writeTextFile(README, fresh);
console.log(
  `README.md ${
    fresh === page ? "was fresh" : "is written"
  }: ${names.length} tests with peers passed`,
);

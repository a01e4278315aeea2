/**
 * `deno task conformance`: writes the table of requirements and the picture of the states into `src/tcp/README.md`.
 *
 * @module
 */

import { CHAPTERS } from "./chapters.ts";
import { missingProofs } from "./check.ts";
import { freshPage, PAGE, ROOT } from "./page.ts";
import { readDeclared } from "./test_names.ts";

const wrong = missingProofs(CHAPTERS, await readDeclared(ROOT));
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  Deno.exit(1);
}
const page = await Deno.readTextFile(PAGE);
const fresh = await freshPage(page);
await Deno.writeTextFile(PAGE, fresh);
console.log(`src/tcp/README.md ${fresh === page ? "was fresh" : "is written"}`);

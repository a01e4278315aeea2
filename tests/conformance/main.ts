/**
 * `deno task conformance`: writes the tables of requirements and the picture of the states into the pages of `tcp/` and `udp/`.
 *
 * @module
 */

import { CHAPTERS } from "./chapters.ts";
import { missingProofs } from "./check.ts";
import { freshPage, PAGES, pathOf, ROOT } from "./page.ts";
import { readDeclared } from "./test_names.ts";

const wrong = missingProofs(CHAPTERS, await readDeclared(ROOT));
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  Deno.exit(1);
}
for (const page of PAGES) {
  const url = new URL(pathOf(page), ROOT);
  const text = await Deno.readTextFile(url);
  const fresh = await freshPage(page, text);
  await Deno.writeTextFile(url, fresh);
  console.log(`${pathOf(page)} ${fresh === text ? "was fresh" : "is written"}`);
}

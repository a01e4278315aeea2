/**
 * `src/tcp/README.md` as it should be: the words of the file, with what is written by `deno task conformance` between its marks.
 *
 * @module
 */

import { TRANSITIONS } from "../../src/tcp/states.ts";
import { CHAPTERS } from "./chapters.ts";
import { renderStates, renderTable, replacePart } from "./render.ts";
import { readDeclared } from "./test_names.ts";

/** The root of the checkout. */
export const ROOT = new URL("../../", import.meta.url);

/** The page. */
export const PAGE = new URL("src/tcp/README.md", ROOT);

/** What the page should be, from what it is. */
export async function freshPage(page: string): Promise<string> {
  const table = renderTable(CHAPTERS, await readDeclared(ROOT));
  const withStates = replacePart(page, "states", renderStates(TRANSITIONS));
  // A table with links of its own is not for a formatter to align.
  const kept = `<!-- deno-fmt-ignore-start -->\n\n${table}\n\n<!-- deno-fmt-ignore-end -->`;
  return replacePart(withStates, "table", kept);
}

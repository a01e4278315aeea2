/**
 * `src/tcp/README.md` and `src/udp/README.md` as they should be: the words of the file, with what is written by `deno task conformance`
 * between its marks.
 *
 * @module
 */

import { TRANSITIONS } from "../../src/tcp/states.ts";
import { TCP_CHAPTERS, UDP_CHAPTERS } from "./chapters.ts";
import { renderStates, renderTable, replacePart } from "./render.ts";
import type { Chapter } from "./table.ts";
import { readDeclared } from "./test_names.ts";

/** The root of the checkout. */
export const ROOT = new URL("../../", import.meta.url);

/** A page, by the room that it stands in. */
export interface Page {
  readonly room: "tcp" | "udp";
  readonly chapters: readonly Chapter[];
}

/** The pages. */
export const PAGES: readonly Page[] = [
  { room: "tcp", chapters: TCP_CHAPTERS },
  { room: "udp", chapters: UDP_CHAPTERS },
];

/** Where a page stands, from the root of the checkout. */
export function pathOf({ room }: Page): string {
  return `src/${room}/README.md`;
}

/** What a page should be, from what it is. */
export async function freshPage({ room, chapters }: Page, text: string): Promise<string> {
  const table = renderTable(chapters, await readDeclared(ROOT), room);
  const drawn = room === "tcp" ? replacePart(text, "states", renderStates(TRANSITIONS)) : text;
  // A table with links of its own is not for a formatter to align.
  const kept = `<!-- deno-fmt-ignore-start -->\n\n${table}\n\n<!-- deno-fmt-ignore-end -->`;
  return replacePart(drawn, "table", kept);
}

/**
 * The parts of `src/tcp/README.md` and `src/udp/README.md` that are written by `deno task conformance`: the picture of the states, and the table.
 *
 * @module
 */

import type { State } from "../../src/tcp/states.ts";
import type { Chapter, Row } from "./table.ts";
import { type Declared, filesOf } from "./test_names.ts";

/** The states as Mermaid draws them. The way to CLOSED is drawn only where there is no other: RST and timeout lead there from everywhere. */
export function renderStates(transitions: { readonly [state in State]: readonly State[] }): string {
  const lines = ["```mermaid", "stateDiagram-v2"];
  const reached = new Set(Object.values(transitions).flat());
  for (const [from, nexts] of Object.entries(transitions) as [State, readonly State[]][]) {
    if (!reached.has(from)) lines.push(`  [*] --> ${id(from)}`);
    for (const next of nexts) {
      if (next !== "CLOSED") lines.push(`  ${id(from)} --> ${id(next)}`);
      else if (nexts.length === 1) lines.push(`  ${id(from)} --> [*]`);
    }
  }
  return [...lines, "```"].join("\n");
}

/** Mermaid takes a hyphen for the beginning of an arrow. */
function id(state: State): string {
  return state.replaceAll("-", "_");
}

/** The whole table, for the page of a room: how many rows there are of each kind, and a section for each chapter. */
export function renderTable(
  chapters: readonly Chapter[],
  declared: readonly Declared[],
  room = "tcp",
): string {
  const rows = chapters.flatMap((chapter) => chapter.rows);
  const count = (kind: Row["kind"]) => rows.filter((row) => row.kind === kind).length;
  const total = `${rows.length} rows: ${count("met")} met, ${count("not applicable")} not ` +
    `applicable, ${count("not met")} not met.`;
  const sections = chapters.map(({ title, rows }) =>
    [
      `### ${title}`,
      "",
      "| | requirement | where | shown by |",
      "| --- | --- | --- | --- |",
      ...rows.map((row) => renderRow(row, declared, room)),
    ].join("\n")
  );
  return [total, ...sections].join("\n\n");
}

function renderRow(row: Row, declared: readonly Declared[], room: string): string {
  const { id, text } = row;
  if (row.kind !== "met") return line(id, text, `*${row.kind}*`, `because ${row.because}`);
  const where = row.at.map((at) => place(at, room)).join("<br>");
  const proofs = row.tests.map((name) => proof(name, declared));
  return line(
    id,
    row.note === undefined ? text : `${text}. ${row.note}`,
    where,
    proofs.join("<br>"),
  );
}

function line(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** `tcp/receive.ts arrive` as a link to the file. */
function place(at: string, room: string): string {
  const [path, ...names] = at.split(" ");
  const href = path.startsWith(`${room}/`) ? path.slice(room.length + 1) : `../${path}`;
  const shown = path.replace(/\.ts$/, "");
  return `[${shown}](${href}) ${names.map((name) => `\`${name}\``).join(" ")}`;
}

function proof(name: string, declared: readonly Declared[]): string {
  const [path] = filesOf(name, declared);
  return `[${name.replace(/[[\]<>*_]/g, "\\$&")}](../../${path})`;
}

/** Puts `text` between the marks of `name` in `page`. */
export function replacePart(page: string, name: string, text: string): string {
  const [begin, end] = [
    `<!-- ${name}: written by deno task conformance -->`,
    `<!-- end of ${name} -->`,
  ];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no part "${name}": add its two marks`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

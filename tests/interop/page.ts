/**
 * The table of peers as Markdown, and the README with it.
 *
 * @module
 */

import { type Declared, filesOf } from "../conformance/test_names.ts";
import { type Cell, type Peer, ROADS, type Side } from "./table.ts";

const BEGIN = "<!-- peers: written by deno task interop -->";
const END = "<!-- end of peers -->";

/** Where the tests with peers live. */
export const PEER_FOLDERS: readonly string[] = ["tests/integration"];

/** The names of all tests that the table leans on. */
export function namedTests(sides: readonly Side[]): string[] {
  const cells = sides.flatMap(({ peers }) => peers.flatMap((peer) => Object.values(peer.cells)));
  return [...new Set(cells.map((cell) => typeof cell === "string" ? cell : cell.test))];
}

/** The README with a table whose every test has passed. */
export function withPeers(
  readme: string,
  sides: readonly Side[],
  declared: readonly Declared[],
): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The README has no place for the peers: add ${BEGIN}`);
  const tables = sides.map((side) => renderSide(side, declared));
  const remarks = [...renderFaults(sides), ...renderNotes(sides)].join("\n");
  const text = [...tables, ...(remarks.length > 0 ? [remarks] : [])].join("\n\n");
  const kept = `<!-- deno-fmt-ignore-start -->\n\n${text}\n\n<!-- deno-fmt-ignore-end -->`;
  return `${readme.slice(0, from + BEGIN.length)}\n\n${kept}\n\n${readme.slice(to)}`;
}

function renderSide({ title, peers }: Side, declared: readonly Declared[]): string {
  const heads = ROADS.map((road) => {
    const [protocol, version] = road.split("/");
    return `${protocol} over HTTP/${version}`;
  });
  const rows = peers.map((peer) => `| ${[peer.name, ...cellsOf(peer, declared)].join(" | ")} |`);
  return [
    `| ${[title, ...heads].join(" | ")} |`,
    `| --- ${"| :-: ".repeat(ROADS.length)}|`,
    ...rows,
  ].join("\n");
}

function cellsOf({ cells }: Peer, declared: readonly Declared[]): string[] {
  return ROADS.map((road) => renderCell(cells[road], declared));
}

function renderCell(cell: Cell | undefined, declared: readonly Declared[]): string {
  if (cell === undefined) return "–";
  const [word, test] = typeof cell === "string" ? ["yes", cell] : ["fault", cell.test];
  const [file] = filesOf(test, declared);
  return `[${word}](${file} "${test}")`;
}

function renderFaults(sides: readonly Side[]): string[] {
  return sides.flatMap(({ peers }) =>
    peers.flatMap(({ name, cells }) =>
      ROADS.flatMap((road) => {
        const cell = cells[road];
        return typeof cell === "object"
          ? [`- ${name}, ${road.replace("/", " over HTTP/")}: ${cell.fault}.`]
          : [];
      })
    )
  );
}

function renderNotes(sides: readonly Side[]): string[] {
  return sides.flatMap(({ title, peers }) =>
    peers.flatMap(({ name, notes = [] }) =>
      notes.map((note) => `- ${name} (${title.toLowerCase()}) ${note}.`)
    )
  );
}

import { assert, assertEquals } from "@std/assert";
import { findCycle, median } from "./graph.ts";
import { importVisitor, resolveImport } from "./imports.ts";
import { ARROWS, LEAVES, MAX_MEDIAN_LINES, PURE, roomOf } from "./rules.ts";

const ROOT = new URL("../../", import.meta.url);

/** The files of the library, by their path from the root. */
async function readLibrary(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const read = async (path: string) =>
    void files.set(path, await Deno.readTextFile(new URL(path, ROOT)));
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      if (isDirectory) await walk(`${folder}${name}/`);
      else if (name.endsWith(".ts")) await read(`${folder}${name}`);
    }
  };
  await walk("src/");
  await read("mod.ts");
  return files;
}

/** The files of the library that a file imports. */
function importsOf(path: string, source: string): string[] {
  const found: string[] = [];
  const collect: Deno.lint.Plugin = {
    name: "collect",
    rules: {
      imports: {
        create: () =>
          importVisitor(({ specifier, lazy }) => {
            if (specifier.startsWith(".") && !lazy) found.push(resolveImport(path, specifier));
          }),
      },
    },
  };
  Deno.lint.runPlugin(collect, path, source);
  return found;
}

const library = await readLibrary();

Deno.test("no file imports itself by way of others", () => {
  const graph = new Map([...library].map(([path, source]) => [path, importsOf(path, source)]));
  assert([...graph.values()].some((targets) => targets.length > 0), "no import was found at all");
  assertEquals(findCycle(graph), undefined);
});

Deno.test("the table of arrows has no cycle of rooms", () => {
  const rooms = new Map(
    Object.entries(ARROWS).map(([room, targets]) => [
      room,
      targets.filter((target) => target !== "*").map((target) =>
        target.replace("type ", "").split("/")[0]
      ),
    ]),
  );
  assertEquals(findCycle(rooms), undefined);
});

Deno.test("a pure room may import pure rooms and leaves only", () => {
  for (const room of PURE) {
    for (const target of ARROWS[room]) {
      assert(PURE.includes(target.split("/")[0]) || LEAVES.includes(target), `${room}: ${target}`);
    }
  }
});

Deno.test("every room has its arrows", () => {
  const rooms = new Set([...library.keys()].map((path) => roomOf(path)!));
  assertEquals([...rooms].filter((room) => !(room in ARROWS)), []);
});

Deno.test("half of the files are short", () => {
  const lines = [...library.values()].map((source) => source.trimEnd().split("\n").length);
  const half = median(lines);
  assert(half < MAX_MEDIAN_LINES, `The median file has ${half} lines`);
});

Deno.test("findCycle names the way round", () => {
  const graph = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]);
  assertEquals(findCycle(graph), ["b", "d", "b"]);
  graph.set("d", ["c"]);
  assertEquals(findCycle(graph), undefined);
});

Deno.test("median stands in the middle", () => {
  assertEquals([median([3, 1, 2]), median([1, 2, 3, 10]), median([])], [2, 2.5, 0]);
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type State, TRANSITIONS } from "../../src/tcp/states.ts";
import { CHAPTERS } from "./chapters.ts";
import { metRows, missingPlaces, missingProofs, proofsNotRun, repeatedIds } from "./check.ts";
import { freshPage, PAGES, pathOf, ROOT } from "./page.ts";
import { renderStates, renderTable, replacePart } from "./render.ts";
import { type Chapter, met, notApplicable, notMet } from "./table.ts";
import { declaredIn, filesOf, passedIn, readDeclared } from "./test_names.ts";

Deno.test("every row of the table names tests that exist, each in one file", async () => {
  assertEquals(missingProofs(CHAPTERS, await readDeclared(ROOT)), []);
});

Deno.test("every row of the table is met in a file by a name that stands in it", () => {
  const readFile = (path: string) => {
    try {
      return Deno.readTextFileSync(new URL(`src/${path}`, ROOT));
    } catch {
      return undefined;
    }
  };
  assertEquals(missingPlaces(CHAPTERS, readFile), []);
});

Deno.test("the table has all 69 numbered MUSTs of RFC 9293, in order, and no row twice", () => {
  const ids = CHAPTERS[0].rows.map(({ id }) => id);
  assertEquals(ids, Array.from({ length: 69 }, (_, i) => `MUST-${i + 1}`));
  assertEquals(repeatedIds(CHAPTERS), []);
});

for (const page of PAGES) {
  Deno.test(`${pathOf(page)} is fresh: deno task conformance would change nothing`, async () => {
    const text = await Deno.readTextFile(new URL(pathOf(page), ROOT));
    assert(await freshPage(page, text) === text, "It is stale: run deno task conformance");
  });
}

/** A table with something wrong in each row. */
const BAD: Chapter[] = [{
  title: "bad",
  rows: [
    met("1", "", "a.ts f", "there"),
    met("2", "", "a.ts g", "not there"),
    met("3", "", "b.ts f", ["twice", "seed 7"]),
    met("3", "", "a.ts", []),
    notApplicable("4", "", "so"),
    notMet("5", "", "so"),
  ],
}];
const DECLARED = [
  ...declaredIn(
    "x_test.ts",
    'Deno.test("there", f); Deno.test("twice", f);\nDeno.test(`seed ${n}`',
  ),
  ...declaredIn("y_test.ts", 'Deno.test(\n  "twice", f); Deno.test("say \\"no\\"", f)'),
];

Deno.test("a row without a proof, or with one that nobody or more than one declares, is found", () => {
  assertEquals(missingProofs(BAD, DECLARED), [
    '2 names "not there", which no file declares',
    '3 names "twice", which x_test.ts and y_test.ts declares',
    "3 names no test",
  ]);
  assertEquals(filesOf('say "no"', DECLARED), ["y_test.ts"]);
  assertEquals(repeatedIds(BAD), ["3 stands twice in bad"]);
});

Deno.test("a row that is met nowhere is found", () => {
  const readFile = (path: string) => path === "a.ts" ? "function f() {}" : undefined;
  assertEquals(missingPlaces(BAD, readFile), [
    '2 says to be met at "a.ts g", which is not there',
    '3 says to be met at "b.ts f", which is not there',
    '3 says to be met at "a.ts", which is not there',
  ]);
});

Deno.test("a proof that did not run, was skipped or failed is found", () => {
  const report = `<testsuite><testcase name="there" time="1"></testcase>
    <testcase name="not there"><failure message="no"></failure></testcase>
    <testcase name="twice" line="1"><skipped/></testcase>
    <testcase name="say &quot;no&quot; &amp; &#39;yes&#x27;"/></testsuite>`;
  const passed = passedIn([report, ""]);
  assertEquals([...passed], ["there", "say \"no\" & 'yes'"]);
  assertEquals(proofsNotRun(BAD, passed), [
    '2 names "not there", which did not run and pass',
    '3 names "twice", which did not run and pass',
    '3 names "seed 7", which did not run and pass',
  ]);
});

Deno.test("the table says of each kind of row how many there are, and links to what it names", () => {
  const rows = [
    met("1", "a | b", ["tcp/a.ts f g", "wire/b.ts h"], ["there", "seed 7"], "Note"),
    notApplicable("2", "c", "of d"),
    notMet("3", "e", "of f"),
  ];
  assertEquals(
    renderTable([{ title: "T", rows }], DECLARED),
    `3 rows: 1 met, 1 not applicable, 1 not met.

### T

| | requirement | where | shown by |
| --- | --- | --- | --- |
| 1 | a \\| b. Note | [tcp/a](a.ts) \`f\` \`g\`<br>[wire/b](../wire/b.ts) \`h\` | [there](../../x_test.ts)<br>[seed 7](../../x_test.ts) |
| 2 | c | *not applicable* | because of d |
| 3 | e | *not met* | because of f |`,
  );
});

Deno.test("the picture of the states draws each change once, and the way out where there is no other", () => {
  const lines = renderStates(TRANSITIONS).split("\n");
  assertEquals(new Set(lines).size, lines.length);
  const drawn = lines.filter((line) => line.includes("-->")).map((line) =>
    line.trim().replaceAll("_", "-").split(" --> ")
  );
  for (const [from, to] of drawn) {
    if (from === "[*]") assert(["HELD", "SYN-SENT"].includes(to));
    else if (to === "[*]") assertEquals(TRANSITIONS[from as State], ["CLOSED"]);
    else assert(TRANSITIONS[from as State].includes(to as State));
  }
  const changes = Object.values(TRANSITIONS).flat().filter((next) => next !== "CLOSED").length;
  assertEquals(drawn.length, changes + 4);
});

Deno.test("a part of a page is replaced between its marks, and a page without them is refused", () => {
  const [begin, end] = ["<!-- x: written by deno task conformance -->", "<!-- end of x -->"];
  const page = `a\n${begin}\nold\n${end}\nb\n`;
  assertEquals(replacePart(page, "x", "new"), `a\n${begin}\n\nnew\n\n${end}\nb\n`);
  assertThrows(() => replacePart(page, "y", "new"), Error, '"y"');
});

Deno.test("most of the table is met, and what is not says so", () => {
  const rows = CHAPTERS.flatMap(({ rows }) => rows);
  assert(metRows(CHAPTERS).length > rows.length * 0.75);
  for (const row of rows) {
    if (row.kind !== "met") assert(row.because.length > 10, `${row.id} gives no reason`);
  }
});

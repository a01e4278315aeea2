import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Goal } from "../../bench/goals/goals.ts";
import { reckon } from "../../bench/goals/reckon.ts";
import { goalsAsMarkdown, goalsAsText } from "../../bench/goals/table.ts";
import { withPart } from "../../bench/page.ts";
import type { Report } from "../../bench/results.ts";

const SPEED = { name: "speed", unit: "Gbit/s", moreIsBetter: true };
const COST = { name: "engine", unit: "s/GiB", moreIsBetter: false };

/** A run that measured one upload: the medians are 4 for us, 2 and 3 for peers. */
const RUN: Report = {
  date: "2026-11-22T12:00:00.000Z",
  machine: "a machine",
  versions: {},
  settings: { rounds: 3, seconds: 1, mtu: 1500 },
  roads: [],
  results: [{
    work: "up x1",
    figures: [SPEED, COST],
    values: {
      "direct": { speed: [10, 11, 9] },
      "h1-same-hop": { speed: [4, 1, 5], engine: [2, 2, 2] },
      "sing-box": { speed: [2, 9, 1], engine: [4, 4, 4] },
      "tun2socks": { speed: [3, 3, 3], engine: [1, 1, 1] },
      "tun2proxy": {},
    },
  }],
  missing: [],
};

const GOAL: Goal = { words: "ours", work: "up x1", figure: "speed", road: "h1-same-hop" };

Deno.test("a goal is a ratio of medians to the best of the others that were measured", () => {
  const than = ["sing-box", "tun2socks", "tun2proxy", "hev"];
  const reached = reckon({ ...GOAL, than, atLeast: 1.3 }, RUN)!;
  assertEquals(reached.value, 4 / 3);
  assertEquals(reached.other, "tun2socks");
  assertEquals(reached.isMet, true);
  assertEquals(reckon({ ...GOAL, than, atLeast: 1.4 }, RUN)!.isMet, false);
});

Deno.test("where less is better the best of the others is the least", () => {
  const than = ["sing-box", "tun2socks"];
  const reached = reckon({ ...GOAL, figure: "engine", than, atMost: 1 }, RUN)!;
  assertEquals([reached.value, reached.isMet, reached.other], [2, false, "tun2socks"]);
});

Deno.test("a goal without others is a figure for itself", () => {
  assertEquals(reckon({ ...GOAL, atLeast: 4 }, RUN)!.isMet, true);
  assertEquals(reckon({ ...GOAL, atLeast: 4.1 }, RUN)!.isMet, false);
});

Deno.test("a goal says nothing of what the run did not measure", () => {
  assertEquals(reckon({ ...GOAL, work: "down x1" }, RUN), undefined);
  assertEquals(reckon({ ...GOAL, road: "h3" }, RUN), undefined);
  assertEquals(reckon({ ...GOAL, than: ["hev", "tun2proxy"] }, RUN), undefined);
});

Deno.test("the tables hold the goals that were measured, and how many are met", () => {
  const text = goalsAsText(RUN);
  assertStringIncludes(text, "of sing-box");
  assertStringIncludes(text, "2.00 ✓");
  assertStringIncludes(text, "goals that this run measured are met");
  assertEquals(text.includes("hev"), false);
  const page = goalsAsMarkdown(RUN);
  assertStringIncludes(page, "| the same, of sing-box | ≥ 1.5 | 2.00 ✓ | – | – | – |");
});

Deno.test("a part of a page is replaced as often as it is written, and the rest stays", () => {
  const page = "a\n<!-- goals: written by deno task bench -->\nold\n<!-- end of goals -->\nz\n";
  const once = withPart(page, "goals", "| new |");
  assertStringIncludes(once, "| new |");
  assertEquals(once.includes("old"), false);
  assertEquals(withPart(once, "goals", "| new |"), once);
  assertEquals([once.startsWith("a\n"), once.endsWith("\nz\n")], [true, true]);
  assertThrows(() => withPart("a page", "goals", ""), Error, "no place for the goals");
});

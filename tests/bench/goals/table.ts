/**
 * Goals beside what was reached, for the terminal and for a page.
 *
 * @module
 */

import { asMarkdown, asText, type Cells } from "../cells.ts";
import type { Report } from "../results.ts";
import { type Goal, GOALS, SPEED_WORKS } from "./goals.ts";
import { type Reached, reckon } from "./reckon.ts";

const MARKS = { met: "✓", missed: "✗" } as const;
const NOT_MEASURED = "–";

/** For the terminal; nothing when no goal was measured. */
export function goalsAsText(report: Report): string {
  const all = tables(report);
  if (all.length === 0) return "";
  return [...all.map((cells) => asText(cells)), summary(report), ""].join("\n");
}

/** For a page. */
export function goalsAsMarkdown(report: Report): string {
  return [
    `${report.date.slice(0, 10)}: ${summary(report)}`,
    ...tables(report).map((cells) => asMarkdown(cells)),
  ]
    .join("\n\n");
}

function tables(report: Report): Cells[] {
  const reached = GOALS.flatMap((goal) => reckon(goal, report) ?? []);
  const ratios = reached.filter(isRatioOfSpeed);
  const others = reached.filter((each) => !isRatioOfSpeed(each));
  return [
    ...(ratios.length > 0 ? [ratioTable(ratios)] : []),
    ...(others.length > 0 ? [listTable(others)] : []),
  ];
}

function summary(report: Report): string {
  const reached = GOALS.flatMap((goal) => reckon(goal, report) ?? []);
  const met = reached.filter(({ isMet }) => isMet).length;
  const left = GOALS.length - reached.length;
  return `${met} of the ${reached.length} goals that this run measured are met` +
    (left === 0 ? "." : `; for ${left} something was missing.`);
}

function isRatioOfSpeed({ goal }: Reached): boolean {
  return goal.than !== undefined && SPEED_WORKS.includes(goal.work);
}

/** One row for the same comparison of several works. */
function ratioTable(ratios: readonly Reached[]): Cells {
  const rows = [...Map.groupBy(ratios, ({ goal }) => goal.words)].map(([words, ofRow]) => {
    const asked = [...new Set(ofRow.map(({ goal }) => bound(goal)))].join(", ");
    const cells = SPEED_WORKS.map((work) => {
      const one = ofRow.find(({ goal }) => goal.work === work);
      return one === undefined ? NOT_MEASURED : mark(one);
    });
    return [words, asked, ...cells];
  });
  return [["ratio", "goal (up, down)", ...SPEED_WORKS], ...rows];
}

function listTable(others: readonly Reached[]): Cells {
  const rows = others.map((one) => {
    const { goal, other } = one;
    const name = other === undefined ? goal.words : `${goal.words} (${other})`;
    return [name, `${bound(goal)}${goal.unit ? ` ${goal.unit}` : ""}`, mark(one)];
  });
  return [["figure", "goal", "reached"], ...rows];
}

function bound({ atLeast, atMost }: Goal): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}

function mark({ value, isMet }: Reached): string {
  const text = value >= 10 ? value.toFixed(1) : value.toFixed(2);
  return `${text} ${isMet ? MARKS.met : MARKS.missed}`;
}

/**
 * What is left of a run: the JSON, the picture, and the tables of the README beside this file.
 *
 * @module
 */

import { drawChart } from "./chart.ts";
import { goalsAsMarkdown, goalsAsText } from "./goals/table.ts";
import type { BenchOptions } from "./options.ts";
import { withPart } from "./page.ts";
import type { Report } from "./results.ts";

const PAGE = new URL("README.md", import.meta.url);

/** A run of before. */
export async function readReport(file: string): Promise<Report> {
  return JSON.parse(await Deno.readTextFile(file));
}

/** Prints what could not be measured, and the goals. */
export function showEnd(report: Report): void {
  for (const words of report.missing) console.log(`Missing: ${words}`);
  console.log(goalsAsText(report));
}

/** Writes what `options` ask for. */
export async function writeReport(report: Report, options: BenchOptions): Promise<void> {
  const { json, chart, page } = options;
  if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(report, null, 1) + "\n");
  if (chart !== undefined) await Deno.writeTextFile(chart, drawChart(report));
  if (page) {
    const text = await Deno.readTextFile(PAGE);
    await Deno.writeTextFile(PAGE, withPart(text, "goals", goalsAsMarkdown(report)));
  }
}

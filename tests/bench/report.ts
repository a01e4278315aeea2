/**
 * What is left of a run: the JSON, the picture, and the tables of the README beside this file.
 *
 * @module
 */

import { asMarkdown, asText, type Cells } from "./cells.ts";
import { drawChart } from "./chart.ts";
import { goalsAsMarkdown, goalsAsText } from "./goals/table.ts";
import type { BenchOptions } from "./options.ts";
import { machine } from "./machine.ts";
import { PAGE, withPart } from "./page.ts";
import type { Report } from "./results.ts";

/** A run of before. */
export async function readReport(file: string): Promise<Report> {
  return JSON.parse(await Deno.readTextFile(file));
}

/** Prints what could not be measured, and the goals. */
export function showEnd(report: Report): void {
  for (const words of report.missing) console.log(`Missing: ${words}`);
  const goals = goalsAsText(report);
  if (goals !== "") console.log(`Goals\n\n${goals}`);
}

/** Writes what `options` ask for. */
export async function writeReport(report: Report, options: BenchOptions): Promise<void> {
  const { json, chart, page } = options;
  if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(report, null, 1) + "\n");
  if (chart !== undefined) await Deno.writeTextFile(chart, drawChart(report));
  if (page) await writePart("goals", goalsAsMarkdown(report));
}

/** Prints where the time went, and writes it where `options` ask for that. */
export async function writeProfile(cells: Cells, { page }: BenchOptions): Promise<void> {
  const words = `${new Date().toISOString().slice(0, 10)}, ${await machine()}.`;
  console.log(`\n${asText(cells, 1)}\n${words}`);
  if (page) await writePart("profile", `${asMarkdown(cells, 1)}\n\n${words}`);
}

async function writePart(name: string, text: string): Promise<void> {
  await Deno.writeTextFile(PAGE, withPart(await Deno.readTextFile(PAGE), name, text));
}

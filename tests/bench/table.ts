/**
 * Results as a table in the terminal.
 *
 * @module
 */

import { styleText } from "node:util";
import { median, type Result } from "./results.ts";

const COLUMNS = { road: 22, figure: 20, range: 24, ratio: 8 };

/** One work: a line for each road, its median, least and most, and the ratio to the direct path. */
export function table(result: Result): string {
  const [main, ...others] = result.figures;
  const title = `${result.work}, ${main.name}${main.unit && ` in ${main.unit}`}`;
  const header = [
    title.padEnd(COLUMNS.road + 8),
    "median".padStart(8),
    "lowest to highest".padStart(COLUMNS.range),
    "of direct".padStart(COLUMNS.ratio + 3),
    ...others.map(({ name, unit }) => `${name}${unit && ` ${unit}`}`.padStart(COLUMNS.figure)),
  ].join("");
  const lines = Object.keys(result.values).map((road) => line(result, road));
  return [styleText("bold", header), ...lines, ""].join("\n");
}

function line(result: Result, road: string): string {
  const values = result.values[road];
  const [main, ...others] = result.figures;
  const own = median(values[main.name]);
  const direct = median(result.values.direct?.[main.name]);
  const ratio = own === undefined || direct === undefined ? "" : (own / direct).toFixed(2);
  const range = own === undefined
    ? "no figure"
    : `${show(Math.min(...values[main.name]))} to ${show(Math.max(...values[main.name]))}`;
  return [
    road.padEnd(COLUMNS.road + 8),
    show(own).padStart(8),
    range.padStart(COLUMNS.range),
    ratio.padStart(COLUMNS.ratio + 3),
    ...others.map(({ name }) => show(median(values[name])).padStart(COLUMNS.figure)),
  ].join("");
}

/** Three digits that count. */
export function show(value: number | undefined): string {
  if (value === undefined) return "";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

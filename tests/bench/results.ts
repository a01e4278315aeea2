/**
 * What came out of a run, as it is written to the JSON.
 *
 * @module
 */

import type { RoadPlan } from "./roads/road.ts";
import type { Figure, Work } from "./works/work.ts";

/** All that a run brought. */
export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: { readonly rounds: number; readonly seconds: number; readonly mtu: number };
  readonly roads: readonly { readonly name: string; readonly words: string }[];
  readonly results: readonly Result[];
  /** Roads that could not be opened, and measurements without figures, with the reason. */
  readonly missing: readonly string[];
}

/** One work on all roads. */
export interface Result {
  readonly work: string;
  readonly figures: readonly Figure[];
  /** By road, then by figure: one value for each round. */
  readonly values: Record<string, Record<string, number[]>>;
}

/** An empty result. */
export function newResult({ name, figures }: Work): Result {
  return { work: name, figures, values: {} };
}

/** What is written down of a road. */
export function describe({ name, words }: RoadPlan) {
  return { name, words };
}

/** Adds one measurement. */
export function record(result: Result, road: string, measured: Readonly<Record<string, number>>) {
  const ofRoad = result.values[road] ??= {};
  for (const [figure, value] of Object.entries(measured)) (ofRoad[figure] ??= []).push(value);
}

/** The middle one, or the lower of two; undefined of none. */
export function median(values: readonly number[] | undefined): number | undefined {
  return values?.toSorted((a, b) => a - b)[(values.length - 1) >> 1];
}

/** The median of the figure that a result is about. */
export function mainMedian(result: Result, road: string): number | undefined {
  return median(result.values[road]?.[result.figures[0].name]);
}

/**
 * How far a run came towards a goal.
 *
 * @module
 */

import { median, type Report } from "../results.ts";
import type { Goal } from "./goals.ts";

/** A goal and what a run says of it. */
export interface Reached {
  readonly goal: Goal;
  readonly value: number;
  readonly isMet: boolean;
  /** With whom it was compared. */
  readonly other?: string;
}

/** What a run says of a goal; undefined when it did not measure what that takes. */
export function reckon(goal: Goal, { results }: Report): Reached | undefined {
  const result = results.find(({ work }) => work === goal.work);
  const of = (road: string) => median(result?.values[road]?.[goal.figure]);
  const own = of(goal.road);
  if (result === undefined || own === undefined) return undefined;
  if (goal.than === undefined) return { goal, value: own, isMet: isMet(goal, own) };
  const { moreIsBetter } = result.figures.find(({ name }) => name === goal.figure)!;
  const others = goal.than
    .flatMap((road) => {
      const value = of(road);
      return value === undefined ? [] : [{ road, value }];
    })
    .sort((a, b) => moreIsBetter ? b.value - a.value : a.value - b.value);
  if (others.length === 0) return undefined;
  const value = own / others[0].value;
  return { goal, value, isMet: isMet(goal, value), other: others[0].road };
}

function isMet({ atLeast = -Infinity, atMost = Infinity }: Goal, value: number): boolean {
  return value >= atLeast && value <= atMost;
}

/**
 * The run itself: every work on every road by turns, whatever breaks.
 *
 * @module
 */

import { Progress } from "./progress.ts";
import { newResult, record, type Result } from "./results.ts";
import type { Road, RoadPlan } from "./roads/road.ts";
import { table } from "./table.ts";
import type { Measured, Work } from "./works/work.ts";

/** A measurement that broke is tried once more: a server may have been slow to come. */
const TRIES = 2;
/** One that took so long until it broke is not: it would only take as long again. */
const LONG_MS = 20_000;

/** How it is measured. */
export interface Conditions {
  readonly rounds: number;
  readonly seconds: number;
  /** Takes measurements without figures, with the reason. */
  readonly missing: string[];
  /** Asked before each measurement: whether to measure no more. */
  readonly isOver: () => boolean;
}

/** Measures `works` on `roads`, and prints a table after each. */
export async function measureAll(
  works: readonly Work[],
  roads: ReadonlyMap<RoadPlan, Road>,
  conditions: Conditions,
): Promise<Result[]> {
  const rounds = (work: Work) => work.once ? 1 : conditions.rounds;
  const steps = works.map((work) => rounds(work) * waysFor(work, roads).length);
  const progress = new Progress(steps.reduce((sum, count) => sum + count, 0));
  const results: Result[] = [];
  for (const work of works) {
    if (conditions.isOver()) break;
    const result = newResult(work);
    results.push(result);
    await measureWork(work, result, waysFor(work, roads), {
      ...conditions,
      rounds: rounds(work),
      progress,
    });
    console.log(table(result));
  }
  return results;
}

function waysFor(work: Work, roads: ReadonlyMap<RoadPlan, Road>): [RoadPlan, Road][] {
  return [...roads].filter(([{ udp, crowds }]) =>
    (udp || !work.needsUdp) && (crowds || !work.isCrowd)
  );
}

async function measureWork(
  work: Work,
  result: Result,
  ways: readonly [RoadPlan, Road][],
  conditions: Conditions & { readonly progress: Progress },
): Promise<void> {
  const { rounds, seconds, missing, isOver, progress } = conditions;
  /** Roads that broke at this work are not asked again: each time costs a timeout. */
  const broken = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const [{ name }, road] of ways) {
      if (isOver()) return;
      progress.begin(`${work.name}, ${name}, round ${round + 1}`);
      try {
        if (!broken.has(name)) {
          record(result, name, await patiently(() => work.measure(road, seconds), isOver));
        }
      } catch (error) {
        broken.add(name);
        record(result, name, {});
        const words = `${work.name} on ${name}, round ${round + 1}: ${firstLine(error)}`;
        missing.push(words);
        progress.tell(words);
      }
      progress.end();
    }
  }
}

async function patiently(
  measure: () => Promise<Measured>,
  isOver: () => boolean,
): Promise<Measured> {
  const start = performance.now();
  for (let attempt = 1;; attempt++) {
    try {
      return await measure();
    } catch (error) {
      if (attempt === TRIES || isOver() || performance.now() - start > LONG_MS) throw error;
    }
  }
}

/** The reason in few words. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 3).join(" ").slice(0, 300);
}

/**
 * What can be measured on a road.
 *
 * @module
 */

import type { Road } from "../roads/road.ts";

/** One figure of a work. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly moreIsBetter: boolean;
}

/** The figures of one measurement, by name; one that makes no sense on a road is absent. */
export type Measured = Readonly<Record<string, number>>;

/** One thing to measure. */
export interface Work {
  readonly name: string;
  /** The first one is what the work is about. */
  readonly figures: readonly Figure[];
  readonly isQuick: boolean;
  readonly needsUdp: boolean;
  /** Many connections at once. */
  readonly isCrowd?: boolean;
  /** Once is enough: it takes long, or varies little. */
  readonly once?: boolean;
  measure(road: Road, seconds: number): Promise<Measured>;
}

const GIBIBYTE = 2 ** 30;

/** What a processor spent on a gibibyte of payload, in the engine and in the proxy: the figure that a busy machine disturbs least. */
export const COSTS: readonly Figure[] = [
  { name: "engine", unit: "s/GiB", moreIsBetter: false },
  { name: "proxy", unit: "s/GiB", moreIsBetter: false },
];

/** Processor seconds between two readings, for each gibibyte of `bytes`. */
export function perGibibyte(before: Measured, after: Measured, bytes: number): Measured {
  const roles = Object.keys(after);
  return Object.fromEntries(
    roles.map((role) => [role, (after[role] - before[role]) / (bytes / GIBIBYTE)]),
  );
}

/**
 * Two pieces of work beside each other: how many times as long one takes as the other.
 *
 * @module
 */

/** Enough for the compiler to have made up its mind, and for each side to run undisturbed at least once on a busy machine. */
const ROUNDS = 400;

/** A piece of work of some ten to some hundred microseconds, with what must be done before each run and is not measured. */
export interface Work {
  readonly prepare?: () => void;
  readonly run: () => void;
}

/**
 * The ratio of the shortest times of two works that run by turns. The shortest of many short runs is the one that nobody
 * disturbed, so the ratio holds on a busy machine, too.
 */
export function ratioOf(work: Work, yardstick: Work): number {
  let best = Infinity;
  let bestYardstick = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    best = Math.min(best, time(work));
    bestYardstick = Math.min(bestYardstick, time(yardstick));
  }
  return best / bestYardstick;
}

function time({ prepare, run }: Work): number {
  prepare?.();
  const start = performance.now();
  run();
  return performance.now() - start;
}

/**
 * How long to wait before a proxy that was not to be reached is tried again.
 *
 * @module
 */

/** Between which times, in milliseconds. */
export interface BackoffRange {
  /** Before the second attempt, at most. */
  readonly retryMs: number;
  /** Before any attempt. */
  readonly retryMaxMs: number;
}

/** Beyond this many doublings every sensible range has reached its end. */
const MAX_DOUBLINGS = 30;

/**
 * The wait after `failures` attempts in a row failed, at least one. It doubles each time, and half of it is left to `chance` (0 to 1), so that a
 * thousand clients of one proxy do not come back in the same moment.
 *
 * @example The first wait
 * ```ts
 * import { backoffMs } from "./backoff.ts";
 *
 * const range = { retryMs: 200, retryMaxMs: 30_000 };
 * if (backoffMs(1, range, 0) !== 100 || backoffMs(1, range, 1) !== 200) throw new Error("unexpected");
 * ```
 */
export function backoffMs(failures: number, range: BackoffRange, chance: number): number {
  const doublings = Math.min(failures - 1, MAX_DOUBLINGS);
  const whole = Math.min(range.retryMs * 2 ** doublings, range.retryMaxMs);
  return whole / 2 + chance * whole / 2;
}

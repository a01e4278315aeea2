/**
 * The only clock on the core: what time it is, and one real timer for all the deadlines there are.
 *
 * @module
 */

/** Time as the core wants it; tests hand in one of their own. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls `wake` once, at `deadline` or soon after, and forgets what was armed before. Infinity disarms. */
  arm(deadline: number, wake: () => void): void;
}

/** Longer waits are cut: a timer of the runtime holds 31 bits, and an early wake-up does no harm. */
const LONGEST_WAIT_MS = 3_600_000;

/** The clock of the machine. */
export function systemClock(): Clock {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let armedFor = Infinity;
  return {
    now: () => performance.now(),
    arm(deadline, wake) {
      if (deadline === armedFor) return;
      clearTimeout(timer);
      armedFor = deadline;
      if (deadline === Infinity) return;
      const wait = Math.min(Math.max(deadline - performance.now(), 0), LONGEST_WAIT_MS);
      timer = setTimeout(() => {
        armedFor = Infinity;
        wake();
      }, wait);
    },
  };
}

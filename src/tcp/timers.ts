/**
 * Timers are names with deadlines: a table to set, stop and ask, with no clock in it.
 *
 * @module
 */

/** The timers of one endpoint. */
export type TimerName = "retransmit" | "persist" | "timeWait" | "finWait2";

const NAMES: readonly TimerName[] = ["retransmit", "persist", "timeWait", "finWait2"];

/** The deadlines of one endpoint, in milliseconds of the caller's clock; Infinity where a timer is off. */
export class Timers {
  readonly #deadlines: { [name in TimerName]: number } = {
    retransmit: Infinity,
    persist: Infinity,
    timeWait: Infinity,
    finWait2: Infinity,
  };

  /** Starts or restarts a timer. */
  set(name: TimerName, deadline: number): void {
    this.#deadlines[name] = deadline;
  }

  /** Stops a timer. */
  stop(name: TimerName): void {
    this.#deadlines[name] = Infinity;
  }

  /** Stops them all. */
  stopAll(): void {
    for (const name of NAMES) this.#deadlines[name] = Infinity;
  }

  /** Whether a timer runs. */
  isSet(name: TimerName): boolean {
    return this.#deadlines[name] !== Infinity;
  }

  /** The earliest deadline, Infinity when all are off. */
  next(): number {
    const { retransmit, persist, timeWait, finWait2 } = this.#deadlines;
    return Math.min(retransmit, persist, timeWait, finWait2);
  }

  /** Takes one timer whose deadline has come, and stops it. */
  takeExpired(now: number): TimerName | undefined {
    const name = NAMES.find((each) => this.#deadlines[each] <= now);
    if (name !== undefined) this.stop(name);
    return name;
  }
}

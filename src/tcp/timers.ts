/**
 * Timers are names with deadlines: a table to set, stop and ask, with no clock in it.
 *
 * @module
 */

/** The timers of one endpoint. */
export type TimerName =
  | "reorder"
  | "tailProbe"
  | "retransmit"
  | "persist"
  | "timeWait"
  | "finWait2"
  | "keepAlive";

/** In this order they are taken: where a tail probe and a retransmission are due at once, the probe goes. */
const NAMES: readonly TimerName[] = [
  "reorder",
  "tailProbe",
  "retransmit",
  "persist",
  "timeWait",
  "finWait2",
  "keepAlive",
];

/** The deadlines of one endpoint, in milliseconds of the caller's clock; Infinity where a timer is off. */
export class Timers {
  readonly #deadlines: { [name in TimerName]: number } = {
    reorder: Infinity,
    tailProbe: Infinity,
    retransmit: Infinity,
    persist: Infinity,
    timeWait: Infinity,
    finWait2: Infinity,
    keepAlive: Infinity,
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

  /** When a timer expires, Infinity when it is off. */
  deadline(name: TimerName): number {
    return this.#deadlines[name];
  }

  /** Whether a timer runs. */
  isSet(name: TimerName): boolean {
    return this.#deadlines[name] !== Infinity;
  }

  /** The earliest deadline, Infinity when all are off. */
  next(): number {
    const { reorder, tailProbe, retransmit, persist, timeWait, finWait2, keepAlive } =
      this.#deadlines;
    return Math.min(reorder, tailProbe, retransmit, persist, timeWait, finWait2, keepAlive);
  }

  /** Takes one timer whose deadline has come, and stops it. */
  takeExpired(now: number): TimerName | undefined {
    const name = NAMES.find((each) => this.#deadlines[each] <= now);
    if (name !== undefined) this.stop(name);
    return name;
  }
}

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

/** The deadlines of one endpoint, in milliseconds of the caller's clock. */
export class Timers {
  /** Infinity where a timer is off; absent where all are, as they are while nothing happens. */
  #deadlines: Record<TimerName, number> | undefined;

  /** Starts or restarts a timer. */
  set(name: TimerName, deadline: number): void {
    this.#deadlines ??= {
      reorder: Infinity,
      tailProbe: Infinity,
      retransmit: Infinity,
      persist: Infinity,
      timeWait: Infinity,
      finWait2: Infinity,
      keepAlive: Infinity,
    };
    this.#deadlines[name] = deadline;
  }

  /** Stops a timer. */
  stop(name: TimerName): void {
    if (this.#deadlines !== undefined) this.#deadlines[name] = Infinity;
  }

  /** Stops them all. */
  stopAll(): void {
    this.#deadlines = undefined;
  }

  /** When a timer expires, Infinity when it is off. */
  deadline(name: TimerName): number {
    return this.#deadlines === undefined ? Infinity : this.#deadlines[name];
  }

  /** Whether a timer runs. */
  isSet(name: TimerName): boolean {
    return this.deadline(name) !== Infinity;
  }

  /** The earliest deadline, Infinity when all are off. */
  next(): number {
    if (this.#deadlines === undefined) return Infinity;
    const { reorder, tailProbe, retransmit, persist, timeWait, finWait2, keepAlive } =
      this.#deadlines;
    const next = Math.min(
      reorder,
      tailProbe,
      retransmit,
      persist,
      timeWait,
      finWait2,
      keepAlive,
    );
    if (next === Infinity) this.#deadlines = undefined;
    return next;
  }

  /** Takes one timer whose deadline has come, and stops it. */
  takeExpired(now: number): TimerName | undefined {
    const name = NAMES.find((each) => this.deadline(each) <= now);
    if (name !== undefined) this.stop(name);
    return name;
  }
}

/**
 * A clean-room stand-in for `@std/testing/time`: `Date`, `setTimeout` and `setInterval` under the test's hand.
 * `performance.now` and `setImmediate` stay real, as with the real package.
 *
 * @module
 */

/** A `FakeTime` was used in a way that it does not know. */
export class TimeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TimeError";
  }
}

interface Timer {
  readonly id: number;
  due: number;
  readonly order: number;
  readonly every: number;
  // deno-lint-ignore no-explicit-any
  readonly callback: (...args: any[]) => void;
  readonly args: unknown[];
}

const real = {
  Date: globalThis.Date,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};

let active: FakeTime | undefined;

/** Takes the clock over until `restore`, or the end of `using`. */
export class FakeTime {
  readonly #start: number;
  #now: number;
  #lastId = 0;
  #lastOrder = 0;
  readonly #timers = new Map<number, Timer>();

  /** `start` is the time it begins with; by default the real time. */
  constructor(start?: number | string | Date | null) {
    if (active) throw new TimeError("Cannot construct FakeTime: time is already faked");
    this.#start = start === undefined || start === null
      ? real.Date.now()
      : new real.Date(start).getTime();
    if (Number.isNaN(this.#start)) throw new TimeError("Cannot construct FakeTime: invalid start");
    this.#now = this.#start;
    active = this;
    this.#override();
  }

  /** Gives the real time back. */
  static restore(): void {
    if (!active) throw new TimeError("Cannot restore time: time is already restored");
    active.restore();
  }

  /** The fake time, in milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }

  /** Sets the time forward and runs what is due on the way. */
  set now(value: number) {
    if (value < this.#now) throw new RangeError(`Cannot set current time in the past: ${value}`);
    while (this.#runEarliest(value));
    this.#now = value;
  }

  /** The time it began with. */
  get start(): number {
    return this.#start;
  }

  set start(_value: number) {
    throw new Error("Cannot change start time after initialization");
  }

  /** Moves the time on and runs what is due on the way. */
  tick(ms = 0): void {
    this.now += ms;
  }

  /** Like {@linkcode tick}, with the microtasks run before. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    const until = this.#now + ms;
    while (this.#runEarliest(until)) await this.runMicrotasks();
    this.now = Math.max(this.#now, until);
  }

  /** Runs the next timer, whenever it is due; false when there is none. */
  next(): boolean {
    return this.#runEarliest(Infinity);
  }

  /** Like {@linkcode next}, with the microtasks run before. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }

  /** Runs timers until there is none. Endless with an interval. */
  runAll(): void {
    while (this.next());
  }

  /** Like {@linkcode runAll}, with the microtasks run before each. */
  async runAllAsync(): Promise<void> {
    while (await this.nextAsync());
  }

  /** Lets all pending microtasks run, in real time. */
  async runMicrotasks(): Promise<void> {
    await new Promise((resolve) => real.setTimeout.call(globalThis, () => resolve(undefined), 0));
  }

  /** Settles when the fake time has moved by `ms`. */
  delay(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) {
      return Promise.reject(new DOMException("Delay was aborted.", "AbortError"));
    }
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#timers.delete(id);
        reject(new DOMException("Delay was aborted.", "AbortError"));
      };
      const id = this.#add(
        () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
        ms,
        0,
        [],
      );
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Gives the real time back. */
  restore(): void {
    if (active !== this) throw new TimeError("Cannot restore time: time is already restored");
    active = undefined;
    Object.assign(globalThis, real);
  }

  /** {@linkcode restore}. */
  [Symbol.dispose](): void {
    this.restore();
  }

  #override(): void {
    const now = () => this.#now;
    const clear = (id?: number | null) => void this.#timers.delete(Number(id));
    class FakeDate extends real.Date {
      constructor(...args: unknown[]) {
        // deno-lint-ignore no-explicit-any
        super(...((args.length === 0 ? [now()] : args) as [any]));
      }
      static override now(): number {
        return now();
      }
    }
    type Callback = () => void;
    Object.assign(globalThis, {
      Date: FakeDate,
      setTimeout: (fn: Callback, ms = 0, ...args: unknown[]) => this.#add(fn, ms, 0, args),
      setInterval: (fn: Callback, ms = 0, ...args: unknown[]) =>
        this.#add(fn, ms, Math.max(1, ms), args),
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  #add(callback: () => void, delay: number, every: number, args: unknown[]): number {
    const id = ++this.#lastId;
    const due = this.#now + Math.max(0, Number(delay) || 0);
    this.#timers.set(id, { id, due, order: ++this.#lastOrder, every, callback, args });
    return id;
  }

  /** Runs the earliest timer that is due by `until`, and moves the time to it. */
  #runEarliest(until: number): boolean {
    let earliest: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.due > until) continue;
      if (!earliest || timer.due < earliest.due) earliest = timer;
      else if (timer.due === earliest.due && timer.order < earliest.order) earliest = timer;
    }
    if (!earliest) return false;
    this.#now = Math.max(this.#now, earliest.due);
    this.#timers.delete(earliest.id);
    if (earliest.every > 0) {
      this.#timers.set(earliest.id, {
        ...earliest,
        due: earliest.due + earliest.every,
        order: ++this.#lastOrder,
      });
    }
    earliest.callback(...earliest.args);
    return true;
  }
}

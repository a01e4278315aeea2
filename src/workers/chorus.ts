/**
 * The words of several workers as one log: what each has to say of its flows has its number in front, and what they all say of the proxy is
 * said once.
 *
 * @module
 */

import { type Log, LOG_LEVELS, type LogLevel } from "../log.ts";

/** The number of the main thread. */
const MAIN = 0;
/** The same trouble reaches all workers within this. */
const TOGETHER_MS = 5_000;
/** Sentences that are remembered for it; the oldest goes. */
const MAX_REMEMBERED = 64;

/** One log for several voices. */
export class Chorus {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #heard = new Map<string, { readonly from: number; readonly at: number }>();

  /** Says it to `log`. */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** What the main thread says itself. */
  readonly main: Log = {
    error: (line) => this.say(MAIN, "error", line),
    warn: (line) => this.say(MAIN, "warn", line),
    info: (line) => this.say(MAIN, "info", line),
    debug: (line) => this.say(MAIN, "debug", line),
    trace: (line) => this.say(MAIN, "trace", line),
    enabled: (level) => this.#log.enabled(level),
  };

  /** The level that workers need to know, who cannot ask. */
  get level(): LogLevel {
    return LOG_LEVELS.findLast((level) => level === "off" || this.#log.enabled(level))!;
  }

  /** Says a line of the worker with the number `from`, counted from 1, unless another has just said the same. */
  say(from: number, level: LogLevel, line: string): void {
    if (level === "off") return;
    if (level === "debug" || level === "trace") {
      this.#log[level](from === MAIN ? line : `worker ${from}: ${line}`);
    } else if (!this.#isEcho(from, line)) {
      this.#log[level](line);
    }
  }

  #isEcho(from: number, line: string): boolean {
    const now = this.#now();
    const heard = this.#heard.get(line);
    if (heard !== undefined && heard.from !== from && now - heard.at < TOGETHER_MS) return true;
    this.#heard.delete(line);
    this.#heard.set(line, { from, at: now });
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > MAX_REMEMBERED) this.#heard.delete(oldest);
    return false;
  }
}

/**
 * Words for the operator. A room gets a {@linkcode Log} handed in and never writes to a console by itself.
 *
 * @module
 */

/** How much is said: each level includes the ones before it. */
export type LogLevel = "off" | "error" | "warn" | "info" | "debug" | "trace";

/** The levels, from silence to every packet. */
export const LOG_LEVELS: readonly LogLevel[] = ["off", "error", "warn", "info", "debug", "trace"];

/** Where words for the operator go. */
export interface Log {
  /** Something failed for the operator: one clear sentence. */
  error(message: string): void;
  /** Something is worth knowing and may want a hand. */
  warn(message: string): void;
  /** The life of the program: ready, reconnected, done. */
  info(message: string): void;
  /** The life of each flow. */
  debug(message: string): void;
  /** Each packet. */
  trace(message: string): void;
  /** Whether `level` would be said at all: ask before composing a costly message. */
  enabled(level: LogLevel): boolean;
}

/**
 * A log that hands each line at or below `level` to `sink`.
 *
 * @example Errors and warnings only
 * ```ts
 * import { createLog } from "./log.ts";
 *
 * const lines: string[] = [];
 * const log = createLog("warn", (level, line) => lines.push(`${level}: ${line}`));
 * log.error("the proxy is gone");
 * log.debug("flow 1 opened");
 * if (lines.join() !== "error: the proxy is gone") throw new Error(lines.join());
 * ```
 */
export function createLog(level: LogLevel, sink: (level: LogLevel, line: string) => void): Log {
  const limit = LOG_LEVELS.indexOf(level);
  const enabled = (asked: LogLevel) => asked !== "off" && LOG_LEVELS.indexOf(asked) <= limit;
  const say = (asked: LogLevel) => (line: string) => {
    if (enabled(asked)) sink(asked, line);
  };
  return {
    error: say("error"),
    warn: say("warn"),
    info: say("info"),
    debug: say("debug"),
    trace: say("trace"),
    enabled,
  };
}

/** The log that says nothing. */
export const SILENT: Log = createLog("off", () => {});

/**
 * Words on the terminal: help on standard output, everything else on standard error, which leaves standard output to the
 * command that `run` starts.
 *
 * @module
 */

import { styleText } from "node:util";
import { createLog, type Log, type LogLevel } from "../log.ts";
import { redact } from "../masque/auth.ts";

/** Where words go, so that tests can listen. */
export interface Terminal {
  /** A line on standard output. */
  out(line: string): void;
  /** A line on standard error. */
  err(line: string): void;
  /** Whether standard output and standard error may be coloured. */
  readonly color: { readonly out: boolean; readonly err: boolean };
}

/** The terminal of this process. Colours are for terminals only, and not with NO_COLOR (https://no-color.org). */
export function processTerminal(): Terminal {
  return {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    color: {
      out: Deno.stdout.isTerminal() && !Deno.noColor,
      err: Deno.stderr.isTerminal() && !Deno.noColor,
    },
  };
}

const COLORS = {
  error: "red",
  warn: "yellow",
  info: "green",
  debug: "blue",
  trace: "gray",
} as const;

/** A log on standard error, one line a message. No line holds one of `secrets`, which may grow. */
export function terminalLog(level: LogLevel, terminal: Terminal, secrets: readonly string[]): Log {
  return createLog(level, (said, line) => {
    const word = said === "off" ? "" : said;
    const label = terminal.color.err && word !== ""
      ? styleText(COLORS[word], word.padEnd(5), { validateStream: false })
      : word.padEnd(5);
    terminal.err(`${label} ${redact(line, secrets)}`);
  });
}

/**
 * Words for the operator as a worker says them: the main thread writes them, so that there is one terminal.
 *
 * @module
 */

import { createLog, type Log, type LogLevel } from "../log.ts";
import type { LogMessage, Post } from "./messages.ts";

/** Lines of one worker that nobody has written yet; beyond, they are counted. A terminal is slower than packets come. */
const MAX_UNSAID = 1000;

/** A log at `level` whose lines leave by `post`, those of one turn together; `said` hears how many were written. */
export function remoteLog(
  level: LogLevel,
  post: Post<LogMessage>,
): { readonly log: Log; readonly said: (lines: number) => void } {
  let lines: [LogLevel, string][] = [];
  let unsaid = 0;
  let lost = 0;
  const send = () => {
    post({ type: "log", lines });
    lines = [];
  };
  const push = (said: LogLevel, line: string) => {
    unsaid++;
    if (lines.push([said, line]) === 1) queueMicrotask(send);
  };
  return {
    log: createLog(level, (said, line) => {
      if (unsaid >= MAX_UNSAID) lost++;
      else push(said, line);
    }),
    said(count) {
      unsaid -= count;
      if (lost > 0) push("warn", `${lost} lines were left out: nobody could write them so fast`);
      lost = 0;
    },
  };
}

/**
 * A program in the background: what it says is kept, and it ends with its test.
 *
 * @module
 */

import { requireTool } from "./tools.ts";

/** Characters kept of what a program says: enough for its reason to fail, little enough to print. */
const KEPT_LENGTH = 64 * 1024;

/** How long a program may take to end by itself after SIGTERM. */
const END_TIMEOUT_MS = 5_000;

/** A running program. */
export interface Process extends AsyncDisposable {
  readonly pid: number;
  /** What it has said so far on both of its outputs; of very much only the end. */
  said(): string;
  /** Settles when `pattern` has been said; rejects when the program ends before that, or at `timeoutMs`. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Sends a signal. */
  kill(signal: Deno.Signal): void;
  /** Settles when it has ended. */
  readonly status: Promise<Deno.CommandStatus>;
}

/** Starts a program. `name` is looked up as a tool, or is a path. */
export function startProcess(
  name: string,
  args: readonly string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env" | "uid" | "gid"> = {},
): Process {
  const child = new Deno.Command(name.includes("/") ? name : requireTool(name), {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  let ended = false;
  const listeners = new Set<() => void>();
  const tell = () => listeners.forEach((listener) => listener());
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text = (text + decoder.decode(chunk, { stream: true })).slice(-KEPT_LENGTH);
      tell();
    }
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const status = child.status.then(async (status) => {
    await heard;
    ended = true;
    tell();
    return status;
  });
  return {
    pid: child.pid,
    status,
    said: () => text,
    waitFor(pattern, timeoutMs = 15_000) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = () => {
        const match = pattern.exec(text);
        if (match) resolve(match);
        else if (ended) reject(new Error(`"${name}" ended before it said ${pattern}:\n${text}`));
      };
      const timer = setTimeout(
        () => reject(new Error(`"${name}" did not say ${pattern} in ${timeoutMs} ms:\n${text}`)),
        timeoutMs,
      );
      listeners.add(look);
      look();
      return promise.finally(() => {
        listeners.delete(look);
        clearTimeout(timer);
      });
    },
    kill: (signal) => signalIfAlive(child, signal),
    async [Symbol.asyncDispose]() {
      signalIfAlive(child, "SIGTERM");
      const timer = setTimeout(() => signalIfAlive(child, "SIGKILL"), END_TIMEOUT_MS);
      await status;
      clearTimeout(timer);
    },
  };
}

function signalIfAlive(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    // it has ended already
  }
}

/**
 * Turns this process into another program, as a shell's `exec` does: same process id, terminal, standard input and output, so
 * that nothing stands between the program and whoever started us.
 *
 * @module
 */

import { cString, ENOENT, ENOTDIR, errorText, type Libc, libc } from "./ffi.ts";

const SIGPIPE = 13;
/** SIG_DFL is the null pointer. */
const DEFAULT_ACTION = null;
/** linux/capability.h: `_LINUX_CAPABILITY_VERSION_3`, two words per set. */
const CAPABILITY_VERSION = 0x20080522;
const CAPABILITY_DATA_LENGTH = 24;
const RLIMIT_NOFILE = 7;

/** Exit status of a shell for a command that it does not find, and for one that it may not run (POSIX, 2.8.2). */
export const EXIT_NOT_FOUND = 127;
/** The command is there and does not run. */
export const EXIT_NOT_EXECUTABLE = 126;

/** What the new program shall not inherit from this one. */
export interface ExecOptions {
  /** Gives up every capability of this thread. */
  readonly dropCapabilities: boolean;
  /** The soft limit of open files. */
  readonly openFiles?: number;
}

/** Why a command did not start. */
export interface ExecFailure {
  /** 126 or 127. */
  readonly code: number;
  /** One sentence. */
  readonly message: string;
}

/**
 * Becomes `command`, which is looked up in PATH; returns only when that fails. Descriptors marked close-on-exec, as all of Deno's
 * are, close by themselves, and so do handlers of signals. What Deno changed beyond that is put back here: SIGPIPE, which it
 * ignores, and the limit of open files, which it raises.
 */
export function becomeCommand(command: readonly string[], options: ExecOptions): ExecFailure {
  const c = libc();
  c.signal(SIGPIPE, DEFAULT_ACTION);
  if (options.openFiles !== undefined) limitOpenFiles(c, options.openFiles);
  if (options.dropCapabilities) dropCapabilities(c);
  const strings = command.map(cString);
  const pointers = strings.map((text) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)));
  c.execvp(strings[0], new BigUint64Array([...pointers, 0n]));
  const errno = c.errno();
  const missing = errno === ENOENT || errno === ENOTDIR;
  return missing ? { code: EXIT_NOT_FOUND, message: `Cannot find the command "${command[0]}"` } : {
    code: EXIT_NOT_EXECUTABLE,
    message: `Cannot run the command "${command[0]}": ${errorText(errno)}`,
  };
}

function limitOpenFiles(c: Libc, soft: number): void {
  const limits = new BigUint64Array(2);
  if (c.getrlimit(RLIMIT_NOFILE, limits) < 0 || BigInt(soft) > limits[1]) return;
  limits[0] = BigInt(soft);
  c.setrlimit(RLIMIT_NOFILE, limits);
}

function dropCapabilities(c: Libc): void {
  const header = Uint32Array.of(CAPABILITY_VERSION, 0);
  c.capset(header, new Uint8Array(CAPABILITY_DATA_LENGTH));
}

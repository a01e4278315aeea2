/**
 * The command line as a program: reads it, carries it out, and gives the exit status.
 *
 * | status | meaning |
 * | --- | --- |
 * | 0 | done |
 * | 1 | it could not be done; one line says why |
 * | 2 | the command line cannot be followed; one line says why |
 * | others | `run` ends as its command did: its status, or 128 and the signal's number |
 *
 * @module
 */

import { DeviceError, ProxyError } from "../errors.ts";
import { helpText } from "./help.ts";
import { type Command, parseOptions } from "./options.ts";
import type { Surroundings } from "./secrets.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";

/** The status of a program that could not do what it was asked. */
const FAILED = 1;
/** The status of a command line that cannot be followed, as shells and `getopt` have it. */
const MISUSED = 2;

/** What a person can do something about; everything else is a fault of this program, and keeps its stack. */
const EXPLAINED = [
  DeviceError,
  ProxyError,
  Deno.errors.AddrInUse,
  Deno.errors.AddrNotAvailable,
  Deno.errors.PermissionDenied,
  Deno.errors.NotCapable,
  Deno.errors.NotFound,
];

/** Carries out a command line and settles with the exit status. */
export async function main(
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  try {
    return await carryOut(parseOptions(args, surroundings()), terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(error.message);
      return MISUSED;
    }
    if (EXPLAINED.some((kind) => error instanceof kind)) {
      terminal.err((error as Error).message);
      return FAILED;
    }
    throw error;
  }
}

/** The commands are loaded when they are needed: `--help` does not wait for what it does not use. */
async function carryOut(command: Command, terminal: Terminal): Promise<number> {
  switch (command.command) {
    case "help":
      terminal.out(helpText(command.topic, terminal.color.out).trimEnd());
      return 0;
    case "version":
      terminal.out(`PseudoTCP ${VERSION}`);
      return 0;
    case "run":
      return (await import("./run.ts")).runCommand(command, terminal);
    case "up":
      return (await import("./up.ts")).upCommand(command, terminal);
    case "proxy":
      return (await import("./proxy.ts")).proxyCommand(command, terminal);
    case "doctor":
      return (await import("./doctor.ts")).doctorCommand(command, terminal);
  }
}

function surroundings(): Surroundings {
  return { env: (name) => Deno.env.get(name), readTextFile: (path) => Deno.readTextFileSync(path) };
}

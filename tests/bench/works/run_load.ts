/**
 * Starts the clients of this folder.
 *
 * @module
 */

import { type Place, runOn } from "../roads/road.ts";
import type { Measured } from "./work.ts";

/** The words that start one of the programs of this folder. */
export function programCommand(
  file: string,
  ...args: (string | number)[]
): [command: string, ...args: string[]] {
  const path = new URL(file, import.meta.url).pathname;
  const flags = ["run", "-A", "--no-config", "--unstable-net", path];
  return [Deno.execPath(), ...flags, ...args.map(String)];
}

/** The words that start a load of `load.ts`. */
export function loadCommand(...args: (string | number)[]): [command: string, ...args: string[]] {
  return programCommand("load.ts", ...args);
}

/** Runs a program to its end and gives the figures that it printed. */
export async function runProgram(
  place: Place,
  file: string,
  ...args: (string | number)[]
): Promise<Measured> {
  return JSON.parse(await runOn(place, ...programCommand(file, ...args)));
}

/** The same for a load of `load.ts`. */
export function runLoad(place: Place, ...args: (string | number)[]): Promise<Measured> {
  return runProgram(place, "load.ts", ...args);
}

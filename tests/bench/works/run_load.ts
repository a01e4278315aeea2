/**
 * Starts a client of `load.ts`.
 *
 * @module
 */

import { type Place, runOn } from "../roads/road.ts";
import type { Measured } from "./work.ts";

const LOAD = new URL("load.ts", import.meta.url).pathname;

/** The words that start a load. */
export function loadCommand(...args: (string | number)[]): [command: string, ...args: string[]] {
  const flags = ["run", "-A", "--no-config", "--unstable-net", LOAD];
  return [Deno.execPath(), ...flags, ...args.map(String)];
}

/** Runs a load to its end and gives the figures that it printed. */
export async function runLoad(place: Place, ...args: (string | number)[]): Promise<Measured> {
  return JSON.parse(await runOn(place, ...loadCommand(...args)));
}

/**
 * A road: one way from a client to the servers. Straight, through this program, or through a peer.
 *
 * @module
 */

import type { Namespace } from "../../support/netns.ts";
import { type Process, startProcess } from "../../support/process.ts";

/** Where a client runs: on this machine itself, or in a namespace whose way out is a device. */
export type Place = "here" | Namespace;

/** Where the servers are. */
export interface Servers {
  readonly hostname: string;
  /** Taken by a fresh iperf3 for each measurement. */
  readonly iperfPort: number;
  /** An echo of TCP, and of UDP. */
  readonly echoPort: number;
  /** Sends on a stream of each connection. */
  readonly quicPort: number;
}

/** A process that a road needs, so that its processor time and memory can be told. */
export interface RoadProcess {
  /** `engine` turns packets into flows; `proxy` is the hop behind it. */
  readonly role: "engine" | "proxy";
  readonly pid: number;
}

/** One road, open. */
export interface Road extends AsyncDisposable {
  readonly place: Place;
  /** Where the servers are as seen on this road. */
  readonly servers: Servers;
  /** Where they are. */
  readonly origin: Servers;
  readonly processes: readonly RoadProcess[];
}

/** A road that can be opened. */
export interface RoadPlan {
  /** A short word for tables, options and files. */
  readonly name: string;
  /** What stands on it: program, version and settings, in words. */
  readonly words: string;
  /** Whether UDP is measured on it. */
  readonly udp: boolean;
  /** Whether many connections at once are measured on it, which takes long. */
  readonly crowds: boolean;
  /** Whether it is part of the quick run. */
  readonly isQuick: boolean;
  /** Whether others wrote it. */
  readonly isPeer: boolean;
  open(servers: Servers): Promise<Road>;
}

/** Runs a program of this machine where the road begins, and gives what it printed. */
export async function runOn(place: Place, command: string, ...args: string[]): Promise<string> {
  const decoder = new TextDecoder();
  const run = async () => {
    const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
      .output();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  const { code, stdout, stderr } = await (place === "here" ? run() : place.run(command, ...args));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** Starts a program where the road begins. */
export function startOn(place: Place, command: string, ...args: string[]): Process {
  return place === "here" ? startProcess(command, args) : place.start(command, ...args);
}

/** A road whose parts belong to `stack`. */
export function opened(
  stack: AsyncDisposableStack,
  road: Omit<Road, typeof Symbol.asyncDispose>,
): Road {
  const kept = stack.move();
  return { ...road, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

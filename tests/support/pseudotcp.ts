/**
 * The program under test as people start it: `deno run -A mod.ts ...`, in its own process.
 *
 * @module
 */

import { BLOCKS } from "./addresses.ts";
import type { Namespace } from "./netns.ts";
import { type Process, startProcess } from "./process.ts";

const MOD = new URL("../../mod.ts", import.meta.url).pathname;
const CLIENT = new URL("client.ts", import.meta.url).pathname;

/** A cold start on two busy cores, with the namespace to wire. */
const START_TIMEOUT_MS = 20_000;

/** The words that start the program with `args`. */
export function commandLine(...args: string[]): [command: string, ...args: string[]] {
  return [Deno.execPath(), "run", "-A", "--no-config", "--no-prompt", MOD, ...args];
}

/** Starts the program. */
export function startPseudoTcp(...args: string[]): Process {
  const [command, ...words] = commandLine(...args);
  return startProcess(command, words);
}

/** The embedded proxy, listening. */
export interface EmbeddedProxy extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly authority: string;
  readonly process: Process;
}

/** Starts the embedded proxy, open to the addresses of the origins. */
export async function startEmbeddedProxy(...args: string[]): Promise<EmbeddedProxy> {
  const allow = Object.values(BLOCKS).flatMap((block) => ["--allow", block]);
  const process = startPseudoTcp("proxy", "--listen", "127.0.0.1:0", ...allow, ...args);
  try {
    const [, port] = await process.waitFor(/^listening .*:(\d+)/m, START_TIMEOUT_MS);
    return {
      port: Number(port),
      authority: `127.0.0.1:${port}`,
      process,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

/** Brings a device up in `namespace`, with a route to the origins, and waits until it is ready. */
export async function startUp(
  namespace: Namespace,
  proxy: string,
  ...args: string[]
): Promise<Process> {
  const routes = Object.values(BLOCKS).flatMap((block) => ["--route", block]);
  const place = ["--netns", namespace.name, "--tun", "tun0", ...routes];
  const process = startPseudoTcp("up", "--proxy", proxy, ...place, ...args);
  try {
    await process.waitFor(/^ready /m, START_TIMEOUT_MS);
    return process;
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs a client of `tests/support/client.ts` in the namespace to its end: gives the JSON that it prints. */
export async function runClient<T = Record<string, unknown>>(
  namespace: Namespace,
  ...args: string[]
): Promise<T> {
  const ran = await namespace.run(...clientLine(args));
  if (ran.code !== 0) throw new Error(`The client ended with ${ran.code}: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** Starts a client of `tests/support/client.ts` in the namespace. */
export function startClient(namespace: Namespace, ...args: string[]): Process {
  return namespace.start(...clientLine(args));
}

function clientLine(args: string[]): [command: string, ...args: string[]] {
  return [Deno.execPath(), "run", "-A", "--no-config", CLIENT, ...args];
}

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
const UDP_CLIENT = new URL("udp_client.ts", import.meta.url).pathname;

/** A cold start on two busy cores, with the namespace to wire. */
const START_TIMEOUT_MS = 20_000;

/** The words that start the program with `args`. */
export function commandLine(...args: string[]): [command: string, ...args: string[]] {
  return [Deno.execPath(), "run", "-A", "--no-config", "--no-prompt", MOD, ...args];
}

/** Starts the program; with `--http 3` Deno gets the flag that QUIC is behind. */
export function startPseudoTcp(...args: string[]): Process {
  const line = commandLine(...args);
  const isHttp3 = args.includes("--http") && args[args.indexOf("--http") + 1] === "3";
  const [command, ...words] = isHttp3 ? withQuic(line) : line;
  return startProcess(command, words);
}

/** The words that start Deno, with the flag that QUIC is behind. */
function withQuic([command, ...words]: [string, ...string[]]): [string, ...string[]] {
  return [command, ...words.toSpliced(1, 0, "--unstable-net")];
}

/** The embedded proxy, listening. */
export interface EmbeddedProxy extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly authority: string;
  /** The SHA-256 of its certificate; absent without TLS. */
  readonly pin?: string;
  readonly process: Process;
}

/** Starts the embedded proxy, open to the addresses of the origins. */
export function startEmbeddedProxy(...args: string[]): Promise<EmbeddedProxy> {
  return listening(startPseudoTcp(...proxyArgs(args)));
}

/** The same, for HTTP/3, too. */
export function startHttp3Proxy(...args: string[]): Promise<EmbeddedProxy> {
  const [command, ...words] = withQuic(commandLine(...proxyArgs(args)));
  return listening(startProcess(command, words));
}

/** The same with an `/etc/hosts` of its own, so that it knows names that nobody else does. Needs root. */
export async function startEmbeddedProxyKnowing(
  hosts: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<EmbeddedProxy> {
  const file = await Deno.makeTempFile({ prefix: "pseudotcp-hosts-" });
  try {
    const lines = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
    await Deno.writeTextFile(file, lines.join(""));
    const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
    const command = commandLine(...proxyArgs(args));
    const words = ["--mount", "--", "sh", "-c", script, "sh", file, ...command];
    return await listening(startProcess("unshare", words));
  } finally {
    await Deno.remove(file); // the mount holds what it needs
  }
}

function proxyArgs(args: string[]): string[] {
  const allow = Object.values(BLOCKS).flatMap((block) => ["--allow", block]);
  return ["proxy", "--listen", "127.0.0.1:0", ...allow, ...args];
}

async function listening(process: Process): Promise<EmbeddedProxy> {
  try {
    const line = /^listening \S+:(\d+)(?: --pin (\S+))?$/m;
    const [, port, pin] = await process.waitFor(line, START_TIMEOUT_MS);
    return {
      port: Number(port),
      authority: `127.0.0.1:${port}`,
      pin,
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
  return await runTo(namespace, clientLine(CLIENT, args));
}

/** The same for `tests/support/udp_client.ts`. */
export async function runUdpClient<T = Record<string, unknown>>(
  namespace: Namespace,
  ...args: string[]
): Promise<T> {
  return await runTo(namespace, clientLine(UDP_CLIENT, args));
}

async function runTo(namespace: Namespace, line: [string, ...string[]]) {
  const ran = await namespace.run(...line);
  if (ran.code !== 0) throw new Error(`The client ended with ${ran.code}: ${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** Starts a client of `tests/support/client.ts` in the namespace. */
export function startClient(namespace: Namespace, ...args: string[]): Process {
  return namespace.start(...clientLine(CLIENT, args));
}

function clientLine(client: string, args: string[]): [command: string, ...args: string[]] {
  return [Deno.execPath(), "run", "-A", "--no-config", client, ...args];
}

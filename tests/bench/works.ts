/**
 * What is measured: each work runs once straight and once through the device, by the same client.
 *
 * @module
 */

import type { Namespace } from "../support/netns.ts";

/** Where a work is done: on this machine itself, or in a namespace whose way out is the device. */
export type Place = "direct" | Namespace;

/** Where the servers are. */
export interface Servers {
  readonly hostname: string;
  readonly iperfPort: number;
  readonly echoPort: number;
}

/** One thing to measure. */
export interface Work {
  readonly name: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly moreIsBetter: boolean;
  measure(place: Place, servers: Servers, seconds: number): Promise<number>;
}

const LOAD = new URL("load.ts", import.meta.url).pathname;

/** The goals of `tests/bench/README.md`, as least ratios to the direct path. */
export const WORKS: readonly Work[] = [
  throughput("up x1", 1, false),
  throughput("up x4", 4, false),
  throughput("down x1", 1, true),
  throughput("down x4", 4, true),
  answerTime("request/response p50", "p50"),
  answerTime("request/response p99", "p99"),
  {
    name: "connect+request+close",
    unit: "1/s",
    moreIsBetter: true,
    async measure(place, { hostname, echoPort }, seconds) {
      const { perSecond } = await load(place, "connect", hostname, echoPort, seconds);
      return perSecond;
    },
  },
];

function throughput(name: string, streams: number, down: boolean): Work {
  return {
    name,
    unit: "Gbit/s",
    moreIsBetter: true,
    async measure(place, { hostname, iperfPort }, seconds) {
      const flags = ["-c", hostname, "-p", iperfPort, "-t", seconds, "-P", streams, "--json"];
      const text = await runIn(place, "iperf3", ...flags.map(String), ...(down ? ["-R"] : []));
      return JSON.parse(text).end.sum_received.bits_per_second / 1e9;
    },
  };
}

function answerTime(name: string, figure: "p50" | "p99"): Work {
  return {
    name,
    unit: "us",
    moreIsBetter: false,
    async measure(place, { hostname, echoPort }, seconds) {
      return (await load(place, "ask", hostname, echoPort, seconds))[figure];
    },
  };
}

async function load(place: Place, verb: string, hostname: string, port: number, seconds: number) {
  const words = ["run", "-A", "--no-config", LOAD, verb, hostname, String(port), String(seconds)];
  return JSON.parse(await runIn(place, Deno.execPath(), ...words));
}

async function runIn(place: Place, command: string, ...args: string[]): Promise<string> {
  if (place !== "direct") {
    const { code, stdout, stderr } = await place.run(command, ...args);
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }
  const { code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

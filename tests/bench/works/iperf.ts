/**
 * iperf3, with a server of its own for each run: one that a broken run left behind can disturb no other.
 *
 * @module
 */

import { type Process, startProcess } from "../../support/process.ts";
import { requireTool } from "../../support/tools.ts";
import { type Road, runOn, type Servers } from "../roads/road.ts";

/** One sum in what iperf3 reports. */
export interface IperfSum {
  readonly bits_per_second: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly packets?: number;
  readonly lost_packets?: number;
}

/** What a run may take beyond its time: connecting, and the exchange of the figures over a road that is full. */
const GRACE_SECONDS = 12;

/** Runs iperf3 on a road to its end; rejects when it brought no figures, with what it said in their place. */
export async function runIperf(road: Road, ...flags: (string | number)[]): Promise<IperfSum> {
  const { hostname, iperfPort } = road.servers;
  const seconds = Number(flags[flags.indexOf("-t") + 1]);
  await using server = await startServer(road.origin);
  const words = ["-c", hostname, "-p", iperfPort, "--json", "--connect-timeout", 5000, ...flags];
  // It waits without end for a server that a road has lost.
  const limit = ["-k", "1", String(seconds + GRACE_SECONDS), requireTool("iperf3")];
  const text = await runOn(road.place, requireTool("timeout"), ...limit, ...words.map(String));
  const report = JSON.parse(text);
  const sum = report.end?.sum_received ?? report.end?.sum;
  if (sum?.bits_per_second === undefined) {
    const reason = report.error ?? "no figures at its end";
    throw new Error(`iperf3 reported ${reason}; its server: ${server.said().slice(-500)}`);
  }
  // For UDP the losses stand in `sum`, in every version.
  return flags.includes("-u") ? { ...sum, ...report.end.sum } : sum;
}

async function startServer({ hostname, iperfPort }: Servers): Promise<Process> {
  const args = ["-s", "-1", "-B", hostname, "-p", String(iperfPort), "--forceflush"];
  const process = startProcess(requireTool("iperf3"), args);
  try {
    await process.waitFor(/Server listening/, 10_000);
    return process;
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

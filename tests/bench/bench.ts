/**
 * Measures this program and its peers beside the direct path, by turns in one run. Needs root, `/dev/net/tun` and iperf3.
 *
 *     deno task bench                              two minutes: the direct path, HTTP/1.1, and HTTP/2 over TLS
 *     deno task bench --full --peers all --json FILE --chart FILE --page
 *
 * Figures of one machine mean little elsewhere, and of one moment little later; what counts is the ratio to the direct path and to
 * the peers in the same run, and the processor time.
 *
 * @module
 */

import { borrowAddresses } from "../support/addresses.ts";
import { type BenchOptions, HELP, parseOptions } from "./options.ts";
import { findPeers } from "./peers/peers.ts";
import { machine, versions } from "./machine.ts";
import { type Conditions, firstLine, measureAll } from "./measure.ts";
import { describe, type Report } from "./results.ts";
import { OUR_ROADS } from "./roads/ours.ts";
import type { Road, RoadPlan } from "./roads/road.ts";
import { profileTable } from "./profile/profile.ts";
import { readReport, showEnd, writeProfile, writeReport } from "./report.ts";
import { startServers } from "./servers.ts";
import { WORKS } from "./works/works.ts";

async function main(options: BenchOptions, isOver: () => boolean): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { ipv4 } = stack.use(await borrowAddresses());
  const servers = await startServers(ipv4, stack);
  const peers = await findPeers(options.peers, (words) => console.error(words));
  const missing = [...peers.missing];
  const roads = new Map<RoadPlan, Road>();
  for (const plan of [...OUR_ROADS, ...peers.roads].filter((plan) => isWanted(plan, options))) {
    if (isOver()) return;
    try {
      roads.set(plan, stack.use(await plan.open(servers)));
    } catch (error) {
      missing.push(`${plan.name} could not be opened: ${firstLine(error)}`);
    }
  }
  const report: Report = {
    date: new Date().toISOString(),
    machine: await machine(),
    versions: { ...await versions(), ...peers.versions },
    settings: { rounds: options.rounds, seconds: options.seconds, mtu: 1500 },
    roads: [...roads.keys()].map(describe),
    results: [],
    missing,
  };
  console.log(heading(report));
  const conditions: Conditions = { ...options, missing, isOver };
  const results = await measureAll(wantedWorks(options), roads, conditions);
  if (isOver()) return;
  showEnd({ ...report, results });
  await writeReport({ ...report, results }, options);
}

function isWanted({ name, isQuick, isPeer }: RoadPlan, { roads, full }: BenchOptions): boolean {
  return roads.length > 0 ? roads.includes(name) || name === "direct" : full || isQuick || isPeer;
}

function wantedWorks({ only, full }: BenchOptions) {
  if (only.length === 0) return WORKS.filter(({ isQuick }) => isQuick || full);
  const exact = WORKS.filter(({ name }) => only.includes(name));
  const parts = only.filter((text) => !exact.some(({ name }) => name === text));
  return WORKS.filter((work) =>
    exact.includes(work) || parts.some((text) => work.name.includes(text))
  );
}

function heading({ date, machine, versions, settings, roads }: Report): string {
  const { rounds, seconds } = settings;
  const width = Math.max(...roads.map(({ name }) => name.length));
  return [
    `${date}, ${machine}`,
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "),
    `${rounds} rounds of ${seconds} s by turns; ratios are of medians`,
    ...roads.map(({ name, words }) => `  ${name.padEnd(width)}  ${words}`),
    "",
  ].join("\n");
}

/** Signals that come together are one: `timeout` sends two, and a terminal tells everybody at once. */
const TOGETHER_MS = 1_000;

/** Runs to the end, or until a signal asks to stop: what was made goes in either case. A second signal, later, is for the impatient. */
async function untilSignal(run: (isOver: () => boolean) => Promise<void>): Promise<void> {
  let asked: number | undefined;
  const stop = () => {
    if (asked !== undefined && performance.now() - asked > TOGETHER_MS) Deno.exit(130);
    if (asked !== undefined) return;
    asked = performance.now();
    console.error("\nEnding with this measurement; what was made goes with it");
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
  await run(() => asked !== undefined);
  Deno.exit(asked === undefined ? 0 : 130);
}

const options = parseOptions(Deno.args);
if (options === "help") console.log(HELP);
else if (options.from !== undefined) {
  const report = await readReport(options.from);
  showEnd(report);
  await writeReport(report, { ...options, json: undefined });
} else if (options.profile) {
  await writeProfile(await profileTable(options.seconds, console.log), options);
} else await untilSignal((isOver) => main(options, isOver));

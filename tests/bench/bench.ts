/**
 * Measures this program and its peers beside the direct path, by turns in one run. Needs root, `/dev/net/tun` and iperf3.
 *
 *     deno task bench                              two minutes: the direct path, HTTP/1.1, and HTTP/2 over TLS
 *     deno task bench --full --peers all --json FILE --chart FILE
 *
 * Figures of one machine mean little elsewhere, and of one moment little later; what counts is the ratio to the direct path and to
 * the peers in the same run, and the processor time.
 *
 * @module
 */

import { borrowAddresses } from "../support/addresses.ts";
import { drawChart } from "./chart.ts";
import { type BenchOptions, HELP, parseOptions } from "./options.ts";
import { findPeers } from "./peers/peers.ts";
import { machine, versions } from "./machine.ts";
import { Progress } from "./progress.ts";
import { describe, newResult, record, type Report, type Result } from "./results.ts";
import { OUR_ROADS } from "./roads/ours.ts";
import type { Road, RoadPlan } from "./roads/road.ts";
import { startServers } from "./servers.ts";
import { table } from "./table.ts";
import type { Work } from "./works/work.ts";
import { WORKS } from "./works/works.ts";

/** A measurement that broke is tried once more: a server may have been slow to come. */
const TRIES = 2;

async function main(options: BenchOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { ipv4 } = stack.use(await borrowAddresses());
  const servers = await startServers(ipv4, stack);
  const peers = await findPeers(options.peers, (words) => console.error(words));
  const missing = [...peers.missing];
  const plans = [...OUR_ROADS, ...peers.roads].filter((plan) => isWanted(plan, options));
  const roads = new Map<RoadPlan, Road>();
  for (const plan of plans) {
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
  const works = WORKS.filter(({ name, isQuick }) =>
    options.only.length > 0
      ? options.only.some((text) => name.includes(text))
      : isQuick || options.full
  );
  const results = await measureAll(works, roads, options, missing);
  await write({ ...report, results }, options);
}

function isWanted({ name, isQuick, isPeer }: RoadPlan, { roads, full }: BenchOptions): boolean {
  return roads.length > 0 ? roads.includes(name) || name === "direct" : full || isQuick || isPeer;
}

async function measureAll(
  works: readonly Work[],
  roads: ReadonlyMap<RoadPlan, Road>,
  options: BenchOptions,
  missing: string[],
): Promise<Result[]> {
  const ways = (work: Work) => [...roads].filter(([{ udp }]) => udp || !work.needsUdp);
  const rounds = (work: Work) => work.once ? 1 : options.rounds;
  const steps = works.map((work) => rounds(work) * ways(work).length);
  const progress = new Progress(steps.reduce((sum, count) => sum + count, 0));
  const results: Result[] = [];
  for (const work of works) {
    const result = newResult(work);
    results.push(result);
    for (let round = 0; round < rounds(work); round++) {
      for (const [{ name }, road] of ways(work)) {
        progress.begin(`${work.name}, ${name}, round ${round + 1}`);
        try {
          record(result, name, await patiently(() => work.measure(road, options.seconds)));
        } catch (error) {
          missing.push(`${work.name} on ${name}, round ${round + 1}: ${firstLine(error)}`);
        }
        progress.end();
      }
    }
    console.log(table(result));
  }
  return results;
}

async function patiently<T>(measure: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await measure();
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
  }
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

async function write(report: Report, { json, chart }: BenchOptions): Promise<void> {
  for (const words of report.missing) console.log(`Missing: ${words}`);
  if (json !== undefined) await Deno.writeTextFile(json, JSON.stringify(report, null, 1) + "\n");
  if (chart !== undefined) await Deno.writeTextFile(chart, drawChart(report));
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 3).join(" ").slice(0, 300);
}

const options = parseOptions(Deno.args);
if (options === "help") console.log(HELP);
else await main(options);

/**
 * Measures `up` and the embedded proxy beside the direct path, by turns in one run. Needs root, `/dev/net/tun` and iperf3.
 *
 *     deno task bench [--seconds N] [--rounds N] [--http 1.1|2] [--tls] [--no-offload] [--only TEXT] [--json FILE]
 *
 * Figures of one machine mean little elsewhere, and of one moment little later; the ratio to the direct path in the same
 * run is what counts.
 *
 * @module
 */

import { parseArgs, styleText } from "node:util";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { startProcess } from "../support/process.ts";
import { startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requireTool } from "../support/tools.ts";
import { type Place, type Servers, type Work, WORKS } from "./works.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    http: { type: "string", default: "1.1" },
    tls: { type: "boolean", default: false },
    "no-offload": { type: "boolean", default: false },
    only: { type: "string", default: "" },
    json: { type: "string" },
  },
});

/** What came out for one work. */
interface Result {
  readonly work: Work;
  readonly direct: readonly number[];
  readonly through: readonly number[];
}

async function startServers(hostname: string, stack: AsyncDisposableStack): Promise<Servers> {
  const echo = stack.use(
    startProcess(Deno.execPath(), [
      "run",
      "-A",
      "--no-config",
      new URL("load.ts", import.meta.url).pathname,
      "serve",
      hostname,
    ]),
  );
  const [, echoPort] = await echo.waitFor(/serving (\d+)/, 10_000);
  const iperfPort = freePort(hostname);
  const iperf = stack.use(
    startProcess(requireTool("iperf3"), [
      "-s",
      "-B",
      hostname,
      "-p",
      String(iperfPort),
      "--forceflush",
    ]),
  );
  await iperf.waitFor(/Server listening/, 10_000);
  return { hostname, iperfPort, echoPort: Number(echoPort) };
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

async function startRoad(namespace: Namespace, stack: AsyncDisposableStack): Promise<void> {
  const proxy = stack.use(await startEmbeddedProxy(...(options.tls ? [] : ["--plain"])));
  const url = `${options.tls ? "https" : "http"}://${proxy.authority}`;
  const trust = options.tls ? ["--insecure"] : [];
  const offload = options["no-offload"] ? ["--no-offload"] : [];
  stack.use(await startUp(namespace, url, "--http", options.http, ...trust, ...offload));
}

async function measure(work: Work, place: Namespace, servers: Servers): Promise<Result> {
  const direct: number[] = [];
  const through: number[] = [];
  const seconds = Number(options.seconds);
  const run = (where: Place) => work.measure(where, servers, seconds);
  for (let round = 0; round < Number(options.rounds); round++) {
    direct.push(await run("direct"));
    through.push(await run(place));
  }
  return { work, direct, through };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

const show = (value: number) => value >= 100 ? value.toFixed(0) : value.toPrecision(3);

function row({ work, direct, through }: Result): string {
  const range = `${show(Math.min(...through))} to ${show(Math.max(...through))}`;
  const ratio = median(through) / median(direct);
  return [
    work.name.padEnd(24),
    `${show(median(direct))} ${work.unit}`.padStart(14),
    `${show(median(through))} ${work.unit}`.padStart(14),
    range.padStart(18),
    ratio.toFixed(2).padStart(8),
  ].join("");
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { ipv4 } = stack.use(await borrowAddresses());
  const servers = await startServers(ipv4, stack);
  const namespace = stack.use(await createNamespace());
  await startRoad(namespace, stack);
  const road = `HTTP/${options.http} ${options.tls ? "over TLS" : "in the clear"}`;
  const offload = options["no-offload"] ? ", without offload" : "";
  const rounds = `${options.rounds} rounds of ${options.seconds} s by turns`;
  const system =
    `Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores`;
  console.log(`${road}${offload}; ${rounds}; MTU 1500; ${system}\n`);
  console.log(
    styleText(
      "bold",
      "work                            direct       through   lowest to highest   ratio",
    ),
  );
  const results: Result[] = [];
  for (const work of WORKS.filter(({ name }) => name.includes(options.only))) {
    const result = await measure(work, namespace, servers);
    results.push(result);
    console.log(row(result));
  }
  if (options.json === undefined) return;
  const report = {
    date: new Date().toISOString(),
    system,
    road,
    offload: !options["no-offload"],
    seconds: Number(options.seconds),
    results: results.map(({ work: { name, unit }, direct, through }) => ({
      name,
      unit,
      direct,
      through,
    })),
  };
  await Deno.writeTextFile(options.json, JSON.stringify(report, null, 2) + "\n");
}

await main();

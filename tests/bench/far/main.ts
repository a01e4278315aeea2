/**
 * Whether a long way is filled: to the proxy by each HTTP version, over a relay that holds every byte back for 50 ms each way; and from the
 * program to the device, whose every frame takes as long. Needs root, `/dev/net/tun` and iperf3.
 *
 *     deno run -A tests/bench/far/main.ts [--seconds N] [--rounds N] [--delay MS] [--page]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { DirectClient, openTun, run } from "../../../mod.ts";
import { BLOCKS, borrowAddresses } from "../../support/addresses.ts";
import { createNamespace, type Namespace } from "../../support/netns.ts";
import { startProcess } from "../../support/process.ts";
import { roughDevice } from "../../support/rough_device.ts";
import { startEmbeddedProxy, startHttp3Proxy, startUp } from "../../support/pseudotcp.ts";
import { asMarkdown, asText } from "../cells.ts";
import { machine } from "../machine.ts";
import { PAGE, withPart } from "../page.ts";
import { median } from "../results.ts";
import type { Road, Servers } from "../roads/road.ts";
import { startServers } from "../servers.ts";
import { runIperf } from "../works/iperf.ts";

const ROADS = [
  { words: "HTTP/1.1 in the clear", http: "1.1", tls: false },
  { words: "HTTP/1.1 over TLS", http: "1.1", tls: true },
  { words: "HTTP/2 over TLS", http: "2", tls: true },
  { words: "HTTP/3", http: "3", tls: true },
] as const;

/** Left out of a figure: a window that doubles with each round trip of 100 ms takes so long to grow. */
const START_SECONDS = 4;
/** What the program's own TCP may hold: twice what is under way at 1 Gbit/s. */
const PROGRAM_MEMORY = [
  "net.ipv4.tcp_wmem=4096 65536 67108864",
  "net.ipv4.tcp_rmem=4096 131072 67108864",
];
const RELAY = new URL("relay.ts", import.meta.url).pathname;

/** The proxy is far away. */
async function openFarProxy(
  { http, tls }: (typeof ROADS)[number],
  delayMs: number,
  stack: AsyncDisposableStack,
): Promise<Road> {
  const { servers, namespace } = await openEnds(stack);
  const start = http === "3" ? startHttp3Proxy : startEmbeddedProxy;
  const proxy = stack.use(await start(...(tls ? [] : ["--plain"])));
  const words = ["run", "-A", "--no-config", "--unstable-net", RELAY, delayMs, proxy.port];
  const relay = stack.use(startProcess(Deno.execPath(), words.map(String)));
  const [, port] = await relay.waitFor(/relaying (\d+)/, 10_000);
  const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const pin = proxy.pin === undefined ? [] : ["--pin", proxy.pin];
  stack.use(await startUp(namespace, url, "--http", http, ...pin));
  return road(namespace, servers, stack);
}

/** The program is far away, and from the device it goes straight on. */
async function openFarProgram(delayMs: number, stack: AsyncDisposableStack): Promise<Road> {
  const { servers, namespace } = await openEnds(stack);
  for (const each of PROGRAM_MEMORY) await namespace.run("sysctl", "-q", "-w", each);
  const options = { addresses: ["198.18.0.1/15"], routes: [BLOCKS.ipv4], netns: namespace.name };
  const device = roughDevice(await openTun({ name: "tun0", ...options }), { seed: 1, delayMs });
  stack.use(run(device, new DirectClient(), { dns: "off" }));
  return road(namespace, servers, stack);
}

async function openEnds(stack: AsyncDisposableStack) {
  const { ipv4 } = stack.use(await borrowAddresses());
  const servers = await startServers(ipv4, stack);
  return { servers, namespace: stack.use(await createNamespace()) };
}

function road(place: Namespace, servers: Servers, stack: AsyncDisposableStack): Road {
  const end = () => stack.disposeAsync();
  return { place, servers, origin: servers, processes: [], [Symbol.asyncDispose]: end };
}

/** Gbit/s up and down in each round. */
async function measure(road: Road, seconds: number, rounds: number): Promise<[number[], number[]]> {
  const speeds: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, flags] of [[], ["-R"]].entries()) {
      const sum = await runIperf(road, "-t", seconds, "-O", START_SECONDS, ...flags);
      speeds[i].push(sum.bits_per_second / 1e9);
    }
  }
  return speeds;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    delay: { type: "string", default: "50" },
    page: { type: "boolean", default: false },
  },
});
const cells = [[`one connection over ${2 * Number(values.delay)} ms there and back`, "up", "down"]];
const delayMs = Number(values.delay);
const ways: [string, (stack: AsyncDisposableStack) => Promise<Road>][] = [
  ...ROADS.map((each): (typeof ways)[number] => [
    `to the proxy, ${each.words}`,
    (stack) => openFarProxy(each, delayMs, stack),
  ]),
  ["from the program, without a proxy", (stack) => openFarProgram(delayMs, stack)],
];
for (const [name, open] of ways) {
  await using stack = new AsyncDisposableStack();
  const [up, down] = await measure(
    await open(stack),
    Number(values.seconds),
    Number(values.rounds),
  );
  console.error(name, up, down);
  cells.push([name, median(up)!.toFixed(2), median(down)!.toFixed(2)]);
}
const words =
  `Gbit/s, medians of ${values.rounds} runs of ${values.seconds} s after ${START_SECONDS} s to grow. ${
    new Date().toISOString().slice(0, 10)
  }, ${await machine()}.`;
console.log(`${asText(cells, 1)}\n${words}`);
if (values.page) {
  const page = await Deno.readTextFile(PAGE);
  await Deno.writeTextFile(PAGE, withPart(page, "far", `${asMarkdown(cells, 1)}\n\n${words}`));
}

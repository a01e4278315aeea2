/**
 * Which way to be woken by a device is the best: three of them on the same device, by turns in one run. Needs root.
 *
 *     deno run -A tests/bench/wake/main.ts [--seconds N] [--rounds N] [--page]
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { libc } from "../../../src/tun/ffi.ts";
import { openTunQueues } from "../../../src/tun/linux.ts";
import { createNamespace, type Namespace } from "../../support/netns.ts";
import { asMarkdown, asText } from "../cells.ts";
import { machine } from "../machine.ts";
import { PAGE, withPart } from "../page.ts";
import { median } from "../results.ts";
import { nanoseconds } from "./clock.ts";
import { type Way, WAYS } from "./ways.ts";

/** What comes through the device. */
interface Traffic {
  readonly bytes: number;
  readonly pauseUs: number;
}

/** One after the other, then packets as they are without offload, then super-packets. */
const TRAFFIC = {
  alone: { bytes: 64, pauseUs: 1_000 },
  small: { bytes: 1_400, pauseUs: 0 },
  large: { bytes: 60_000 - 60_000 % 1_400, pauseUs: 0 },
} as const satisfies Record<string, Traffic>;

const NETWORK = { inside: "198.18.77.1/30", far: "198.18.77.2", port: 9 };
/** In front of the payload: a virtio header, one of IPv4 and one of UDP. */
const HEADER_BYTES = 10 + 20 + 8;
/** Left out of the figures: the sender's start, and what waited in the device. */
const WARM_MS = 300;
const SENDER = new URL("sender.ts", import.meta.url).pathname;

/** What one turn brought. */
interface Turn {
  readonly perSecond: number;
  readonly bitsPerSecond: number;
  /** Of the processor, by all threads of this process, in microseconds. */
  readonly costUs: number;
  readonly p50: number;
  readonly p99: number;
}

async function measure(
  namespace: Namespace,
  fd: number,
  way: Way,
  { bytes, pauseUs }: Traffic,
  seconds: number,
): Promise<Turn> {
  const words = [NETWORK.far, NETWORK.port, bytes, pauseUs].map(String);
  const flags = ["run", "-A", "--no-config", SENDER, ...words];
  await using _sender = namespace.start(Deno.execPath(), ...flags);
  const delays: number[] = [];
  let [isWarm, isOver, sum] = [false, false, 0];
  const kept = new Uint8Array(128 * 1024);
  const running = way.run(fd, (frame) => {
    if (!isWarm) return;
    kept.set(frame); // the one copy of a payload that the stack makes, too
    const sent = new DataView(frame.buffer, frame.byteOffset + HEADER_BYTES).getBigInt64(0);
    delays.push(Number(nanoseconds() - sent) / 1000);
    sum += frame.length;
  }, () => isOver);
  await pause(WARM_MS + 500); // half a second for the sender's own start
  const before = { cpu: process.cpuUsage(), at: performance.now() };
  isWarm = true;
  await pause(seconds * 1000);
  isWarm = false;
  const { user, system } = process.cpuUsage(before.cpu);
  const spent = (performance.now() - before.at) / 1000;
  isOver = true;
  await running;
  delays.sort((a, b) => a - b);
  return {
    perSecond: delays.length / spent,
    bitsPerSecond: sum * 8 / spent,
    costUs: (user + system) / delays.length,
    p50: delays[delays.length >> 1],
    p99: delays[Math.floor(delays.length * 0.99)],
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function measureAll(seconds: number, rounds: number): Promise<string[][]> {
  await using namespace = await createNamespace();
  const options = { addresses: [NETWORK.inside], netns: namespace.name };
  const [{ fd }] = await openTunQueues(1, options);
  const turns = new Map<string, Turn[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [kind, traffic] of Object.entries(TRAFFIC)) {
      for (const way of WAYS) {
        const key = `${way.name}, ${kind}`;
        const turn = await measure(namespace, fd, way, traffic, seconds);
        turns.set(key, [...turns.get(key) ?? [], turn]);
        console.error(`round ${round + 1}, ${key}: ${JSON.stringify(turn)}`);
      }
    }
  }
  libc().close(fd);
  return WAYS.map(({ name }) => {
    const of = (kind: keyof typeof TRAFFIC, figure: keyof Turn) =>
      median(turns.get(`${name}, ${kind}`)!.map((turn) => turn[figure]))!;
    return [
      name,
      ...(["p50", "p99", "costUs"] as const).map((figure) => of("alone", figure).toFixed(0)),
      (of("small", "perSecond") / 1000).toFixed(0),
      of("small", "costUs").toFixed(1),
      (of("large", "bitsPerSecond") / 1e9).toFixed(1),
      of("large", "costUs").toFixed(1),
    ];
  });
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
    page: { type: "boolean", default: false },
  },
});
const cells = [
  [
    "way",
    "alone: p50 us",
    "p99 us",
    "processor us",
    "1,400 B: thousand/s",
    "processor us",
    "59 kB: Gbit/s",
    "processor us",
  ],
  ...await measureAll(Number(values.seconds), Number(values.rounds)),
];
const words = `${
  new Date().toISOString().slice(0, 10)
}, ${await machine()}; medians of ${values.rounds} turns of ${values.seconds} s.`;
console.log(`${words}\n\n${asText(cells, 1)}`);
if (values.page) {
  const page = await Deno.readTextFile(PAGE);
  await Deno.writeTextFile(PAGE, withPart(page, "wake", `${asMarkdown(cells, 1)}\n\n${words}`));
}

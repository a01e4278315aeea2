/**
 * Many connections at once: what an idle one costs, and whether busy ones get their shares.
 *
 * @module
 */

import { flowsWithin, maxOpenFiles } from "../../../src/cli/open_files.ts";
import { residentBytes } from "../cost.ts";
import { loadCommand, runLoad } from "./run_load.ts";
import { startOn } from "../roads/road.ts";
import type { Work } from "./work.ts";

const IDLE_FLOWS = 10_000;
/** Of a flow over HTTP/1.1 in the proxy, which has the most. */
const DESCRIPTORS = 2;
const ACTIVE_FLOWS = 1_000;
/** Opening them on two busy cores. */
const OPENING_MS = 120_000;

/**
 * Connections of this machine, closed ones in TIME_WAIT included, beside which a crowd still finds its ports: over HTTP/1.1 ten thousand flows
 * take twenty thousand of the 28,000 there are.
 */
const FEW_CONNECTIONS = 6_000;
/** TIME_WAIT is a minute, and programs that held ten thousand connections need a while to close them. */
const DRAIN_MS = 120_000;

/** Waits until the crowd before has left. */
async function portsAreFree(): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (connectionsHere() > FEW_CONNECTIONS && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** From `/proc/net/sockstat`: `TCP: inuse 5 orphan 0 tw 2 alloc 9 mem 1`. */
function connectionsHere(): number {
  const text = Deno.readTextFileSync("/proc/net/sockstat");
  const [, inUse, waiting] = /^TCP: inuse (\d+) .*\btw (\d+)/m.exec(text) ?? [];
  return Number(inUse ?? 0) + Number(waiting ?? 0);
}

/** Memory for each of many connections that say nothing. */
export const IDLE: Work = {
  name: "10,000 idle flows",
  figures: [
    { name: "engine", unit: "KiB", moreIsBetter: false },
    { name: "proxy", unit: "KiB", moreIsBetter: false },
    { name: "socket", unit: "KiB", moreIsBetter: false },
    { name: "above", unit: "KiB", moreIsBetter: false },
    { name: "flows", unit: "", moreIsBetter: true },
  ],
  isQuick: false,
  needsUdp: false,
  isCrowd: true,
  once: true,
  async measure(road) {
    await portsAreFree();
    const { hostname, echoPort } = road.servers;
    // Fewer where the kernel lets no process have so many descriptors: said in the result.
    const count = Math.min(IDLE_FLOWS, flowsWithin(maxOpenFiles(), DESCRIPTORS));
    // The first connections bring code and buffers that are paid once.
    await runLoad(road.place, "connect", hostname, echoPort, 1);
    const before = residentBytes(road.processes);
    await using client = startOn(
      road.place,
      ...loadCommand("hold", hostname, echoPort, count),
    );
    // The runtime's base: what the client itself, which is a program of Deno, holds for a socket with a read that waits.
    const [, socket] = await client.waitFor(/^holding, (-?\d+) bytes each$/m, OPENING_MS);
    const after = residentBytes(road.processes);
    const each: Record<string, number> = { socket: Number(socket) / 1024 };
    for (const [role, bytes] of Object.entries(after)) {
      each[role] = (bytes - before[role as "engine"]!) / count / 1024;
    }
    if (each.engine !== undefined) each.above = each.engine - each.socket;
    return { ...each, flows: count };
  },
};

/** A thousand uploads at once: the slowest in shares of the mean, and all together. */
export const FAIRNESS: Work = {
  name: "1,000 active flows",
  figures: [
    { name: "least share", unit: "", moreIsBetter: true },
    { name: "speed", unit: "Gbit/s", moreIsBetter: true },
  ],
  isQuick: false,
  needsUdp: false,
  isCrowd: true,
  once: true,
  async measure(road, seconds) {
    await portsAreFree();
    const { hostname, echoPort } = road.servers;
    const long = Math.max(10, seconds);
    const args = ["share", hostname, echoPort, long, ACTIVE_FLOWS];
    return await runLoad(road.place, ...args);
  },
};

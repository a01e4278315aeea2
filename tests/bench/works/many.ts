/**
 * Many connections at once: what an idle one costs, and whether busy ones get their shares.
 *
 * @module
 */

import { residentBytes } from "../cost.ts";
import { loadCommand, runLoad } from "./run_load.ts";
import { startOn } from "../roads/road.ts";
import type { Work } from "./work.ts";

/** As many as a proxy lets one client have, with room to spare: ours has 2,048, and each costs it two descriptors. */
const IDLE_FLOWS = 2_000;
const ACTIVE_FLOWS = 1_000;
/** Opening them on two busy cores. */
const OPENING_MS = 60_000;

/** Memory for each of many connections that say nothing. */
export const IDLE: Work = {
  name: "2,000 idle flows",
  figures: [
    { name: "engine", unit: "KiB", moreIsBetter: false },
    { name: "proxy", unit: "KiB", moreIsBetter: false },
  ],
  isQuick: false,
  needsUdp: false,
  isCrowd: true,
  once: true,
  async measure(road) {
    const { hostname, echoPort } = road.servers;
    // The first connections bring code and buffers that are paid once.
    await runLoad(road.place, "connect", hostname, echoPort, 1);
    const before = residentBytes(road.processes);
    await using client = startOn(
      road.place,
      ...loadCommand("hold", hostname, echoPort, IDLE_FLOWS),
    );
    await client.waitFor(/^holding$/m, OPENING_MS);
    const after = residentBytes(road.processes);
    return Object.fromEntries(
      Object.entries(after).map(([role, bytes]) => {
        return [role, (bytes - before[role as "engine"]!) / IDLE_FLOWS / 1024];
      }),
    );
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
    const { hostname, echoPort } = road.servers;
    const long = Math.max(10, seconds);
    const args = ["share", hostname, echoPort, long, ACTIVE_FLOWS];
    return await runLoad(road.place, ...args);
  },
};

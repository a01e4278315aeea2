/**
 * Bytes of TCP in one direction, by iperf3.
 *
 * @module
 */

import { processorSeconds } from "../cost.ts";
import { runIperf } from "./iperf.ts";
import { COSTS, perGibibyte, type Work } from "./work.ts";

/** `streams` connections from the program to the far side, or the other way. */
export function throughput(direction: "up" | "down", streams: number): Work {
  return {
    name: `${direction} x${streams}`,
    figures: [{ name: "speed", unit: "Gbit/s", moreIsBetter: true }, ...COSTS],
    isQuick: true,
    needsUdp: false,
    async measure(road, seconds) {
      const before = processorSeconds(road.processes);
      const reverse = direction === "down" ? ["-R"] : [];
      const { bits_per_second, bytes } = await runIperf(
        road,
        "-t",
        seconds,
        "-P",
        streams,
        ...reverse,
      );
      const after = processorSeconds(road.processes);
      return { speed: bits_per_second / 1e9, ...perGibibyte(before, after, bytes) };
    },
  };
}

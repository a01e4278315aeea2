/**
 * How many datagrams pass before one in a thousand is lost, by iperf3.
 *
 * @module
 */

import { processorSeconds } from "../cost.ts";
import type { Road } from "../roads/road.ts";
import { runIperf } from "./iperf.ts";
import { COSTS, type Measured, perGibibyte, type Work } from "./work.ts";

/** What QUIC fills at the start of a connection (RFC 9000, section 14.1). */
const DATAGRAM_BYTES = 1200;
/** Rates to try, in datagrams a second, each 1.19 times the one before: 5,000 to 380,000, more than iperf3 sends. */
const LADDER = Array.from({ length: 26 }, (_, i) => Math.round(5000 * 2 ** (i / 4)));
const MOST_LOST = 0.001;
/** A busy machine loses a burst now and then. */
const TRIES = 3;
const SECONDS = 1;

/** The highest rate with less than 0.1 % lost, found by halving the ladder, and what arrives of as many as the client can send. */
export function datagrams(direction: "up" | "down"): Work {
  return {
    name: `UDP ${direction}`,
    figures: [
      { name: "rate", unit: "1/s", moreIsBetter: true },
      { name: "flood", unit: "1/s", moreIsBetter: true },
      ...COSTS,
    ],
    isQuick: false,
    needsUdp: true,
    once: true,
    measure: (road) => climb(road, direction),
  };
}

async function climb(road: Road, direction: "up" | "down"): Promise<Measured> {
  let found: Measured = { rate: 0 };
  for (let [low, high] = [0, LADDER.length]; low < high;) {
    const middle = (low + high) >> 1;
    const passed = await passes(road, direction, LADDER[middle]);
    if (passed === undefined) high = middle;
    else {
      found = passed;
      low = middle + 1;
    }
  }
  const { arrived } = await send(road, direction, 0);
  return { ...found, flood: arrived / SECONDS };
}

/** The figures at `rate`, or nothing when too many were lost each time. */
async function passes(road: Road, direction: "up" | "down", rate: number) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = processorSeconds(road.processes);
    const { arrived, lost } = await send(road, direction, rate);
    const costs = perGibibyte(
      before,
      processorSeconds(road.processes),
      arrived * DATAGRAM_BYTES,
    );
    // A client that cannot send so fast has reached its own end.
    const sent = arrived + lost;
    if (sent < 0.9 * rate * SECONDS) return undefined;
    if (lost <= MOST_LOST * sent) return { rate: arrived / SECONDS, ...costs };
  }
}

async function send(road: Road, direction: "up" | "down", rate: number) {
  const reverse = direction === "down" ? ["-R"] : [];
  const bits = rate * DATAGRAM_BYTES * 8;
  const flags = ["-u", "-b", bits, "-l", DATAGRAM_BYTES, "-t", SECONDS, ...reverse];
  const { packets = 0, lost_packets: lost = 0 } = await runIperf(road, ...flags);
  return { arrived: packets - lost, lost };
}

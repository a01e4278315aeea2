/**
 * QUIC of a program inside: datagrams whose sender waits for acknowledgments and slows down where one is lost.
 *
 * @module
 */

import { processorSeconds } from "../cost.ts";
import { runProgram } from "./run_load.ts";
import { COSTS, perGibibyte, type Work } from "./work.ts";

/** A download on one stream. */
export const QUIC_DOWN: Work = {
  name: "QUIC down",
  figures: [{ name: "speed", unit: "Gbit/s", moreIsBetter: true }, ...COSTS],
  isQuick: false,
  needsUdp: true,
  async measure({ place, servers, processes }, seconds) {
    const before = processorSeconds(processes);
    const args = ["get", servers.hostname, servers.quicPort, seconds];
    const got = await runProgram(place, "quic_load.ts", ...args);
    const costs = perGibibyte(before, processorSeconds(processes), got.bytes);
    return { speed: got.bytes * 8 / got.seconds / 1e9, ...costs };
  },
};

/**
 * How soon something small is answered, and how many connections come and go.
 *
 * @module
 */

import type { Road } from "../roads/road.ts";
import { runLoad } from "./run_load.ts";
import type { Work } from "./work.ts";

/** One request of 64 bytes after the other, on one connection. */
export const REQUEST_RESPONSE: Work = {
  name: "request/response",
  figures: [
    { name: "p50", unit: "us", moreIsBetter: false },
    { name: "p99", unit: "us", moreIsBetter: false },
  ],
  isQuick: true,
  needsUdp: false,
  measure: (road, seconds) => echo(road, "ask", seconds),
};

/** The same with datagrams. */
export const DATAGRAM_RESPONSE: Work = {
  ...REQUEST_RESPONSE,
  name: "UDP request/response",
  needsUdp: true,
  isQuick: false,
  measure: (road, seconds) => echo(road, "ask-udp", seconds),
};

/** Connect, one request, close: sixteen at a time. */
export const CONNECTIONS: Work = {
  name: "connect+request+close",
  figures: [{ name: "rate", unit: "1/s", moreIsBetter: true }],
  isQuick: true,
  needsUdp: false,
  measure: (road, seconds) => echo(road, "connect", seconds),
};

function echo(road: Road, verb: string, seconds: number) {
  const { hostname, echoPort } = road.servers;
  return runLoad(road.place, verb, hostname, echoPort, seconds);
}

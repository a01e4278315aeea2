/**
 * The ways on which the first worker hands packets on that belong to others: fragments that it put together, and ICMP errors.
 *
 * @module
 */

import type { Strays } from "../flow/pseudo_tcp.ts";

/** Packets on one way that the other worker has not taken yet; beyond, they are lost, as in the full queue of a device. */
const MAX_UNDER_WAY = 512;

/** The first worker's side: `ways` lead to the workers 1, 2, and so on. */
export function strayWays(ways: readonly MessagePort[]): Strays {
  const underWay = ways.map(() => 0);
  ways.forEach((way, i) => way.onmessage = () => void underWay[i]--);
  const send = (i: number, frame: Uint8Array<ArrayBuffer>) => {
    if (underWay[i] >= MAX_UNDER_WAY) return;
    underWay[i]++;
    ways[i].postMessage(frame, [frame.buffer]);
  };
  return {
    firstOf: ways.length + 1,
    onStray(owner, frame) {
      if (owner !== undefined) return send(owner - 1, frame);
      for (let i = 0; i < ways.length; i++) send(i, frame.slice());
    },
  };
}

/** The other side: what comes goes to `take`. */
export function takeStrays(way: MessagePort, take: (frame: Uint8Array) => void): void {
  way.onmessage = ({ data }) => {
    way.postMessage(1);
    take(data);
  };
}

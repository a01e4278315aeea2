/**
 * Packets that came to the first of several stacks because nobody outside could tell whose they are (`tun/steering.ts`): what came in fragments,
 * what has IPv6 extension headers, and ICMP errors. Here they have been read, and so the owner is known.
 *
 * @module
 */

import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ip.ts";
import { IPV6_HEADER_LENGTH } from "../wire/ipv6.ts";
import { spreadTcp, spreadUdp } from "../wire/spread.ts";
import type { StrayEvent } from "./events.ts";
import { saysTooBig } from "./icmp_errors.ts";
import type { Parsed } from "./ingress.ts";

/** The packet belongs here. */
export const FIRST = 0;
/** It may be about a flow of any of the stacks, this one included. */
export const ANY = -1;

/** Which of `count` stacks the good packet that stands parsed in `frame` belongs to. */
export function ownerOfStray(
  frame: Uint8Array,
  { ip, segment, datagram }: Parsed,
  wasInPieces: boolean,
  count: number,
): number {
  const { protocol, version, start, payloadAt } = ip;
  if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
    return saysTooBig(frame, ip) ? ANY : FIRST;
  }
  const hasExtensions = version === 6 && payloadAt - start > IPV6_HEADER_LENGTH;
  if (!wasInPieces && !hasExtensions) return FIRST;
  if (protocol === PROTOCOL_UDP) return spreadUdp(frame, ip, datagram.sourcePort, count);
  if (protocol !== PROTOCOL_TCP) return FIRST;
  return spreadTcp(frame, ip, segment.sourcePort, segment.destinationPort, count);
}

/** Tells of it. */
export function stray(owner: number, frame: Uint8Array, length: number): StrayEvent {
  const copy = new Uint8Array(length);
  copy.set(frame.subarray(0, length));
  return { type: "stray", owner: owner === ANY ? undefined : owner, frame: copy };
}

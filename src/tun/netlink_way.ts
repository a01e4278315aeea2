/**
 * Messages of rtnetlink about the way to one address: which one the kernel takes, and a route that keeps it.
 *
 * @module
 */

import { concatBytes, equalBytes } from "../bytes.ts";
import { IPV4_LENGTH } from "../wire/address.ts";
import {
  attribute,
  family,
  HEADER_LENGTH,
  type NetlinkRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  request,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_OIF,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RTPROT_STATIC,
  view,
} from "./netlink.ts";

const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

/** `struct rtmsg` and, in it, the type of the route (linux/rtnetlink.h). */
const RTMSG_LENGTH = 12;
const RTMSG_TYPE = HEADER_LENGTH + 7;

const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
/** A gateway of the other family. */
const RTA_VIA = 18;

/** What makes a way: where it leaves, through whom, and with which address of ours. */
const KEPT: readonly number[] = [RTA_OIF, RTA_GATEWAY, RTA_PREFSRC, RTA_VIA];

/** How packets to one address go. */
export interface Way {
  readonly address: Uint8Array;
  /** Whether there is a gateway; without one the address is on the link. */
  readonly isFar: boolean;
  /** Attributes as the kernel told them. */
  readonly attributes: readonly Uint8Array[];
}

/** Asks which way packets to `address` go now; with `index`, which way they would go if they had to leave by that interface. */
export function wayQuestion(address: Uint8Array, index?: number): NetlinkRequest {
  const leave = index === undefined
    ? []
    : [attribute(RTA_OIF, new Uint8Array(Uint32Array.of(index).buffer))];
  const to = attribute(RTA_DST, address);
  return request(RTM_GETROUTE, 0, [routeInfo(address, 0, 0, 0, 0), to, ...leave]);
}

/** Reads the answer; undefined where the address is one of this machine, or no way leads there by a link. */
export function readWay(answer: Uint8Array, address: Uint8Array): Way | undefined {
  if (answer[RTMSG_TYPE] !== RTN_UNICAST) return undefined;
  const attributes: Uint8Array[] = [];
  let isFar = false;
  const fields = view(answer);
  for (let at = HEADER_LENGTH + RTMSG_LENGTH; at + 4 <= answer.length;) {
    const length = fields.getUint16(at, true);
    if (length < 4 || at + length > answer.length) return undefined;
    const type = fields.getUint16(at + 2, true);
    if (KEPT.includes(type)) attributes.push(attribute(type, answer.slice(at + 4, at + length)));
    isFar ||= type === RTA_GATEWAY || type === RTA_VIA;
    at += (length + 3) & ~3;
  }
  return { address, isFar, attributes };
}

/** Whether two ways to one address are the same. */
export function isSameWay(one: Way, other: Way): boolean {
  return equalBytes(concatBytes(one.attributes), concatBytes(other.attributes));
}

/** A route to this one address along `way`, made or taken away. */
export function wayRequest(way: Way, action: "add" | "remove"): NetlinkRequest {
  const { address, isFar, attributes } = way;
  const isLink = address.length === IPV4_LENGTH && !isFar;
  const scope = isLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const info = routeInfo(address, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST);
  const [type, flags] = action === "add"
    ? [RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL]
    : [RTM_DELROUTE, 0];
  return request(type, flags, [info, attribute(RTA_DST, address), ...attributes]);
}

/** `struct rtmsg`, with flags of zero. */
function routeInfo(
  address: Uint8Array,
  table: number,
  protocol: number,
  scope: number,
  type: number,
): Uint8Array {
  const bits = address.length * 8;
  return concatBytes([
    Uint8Array.of(family(address), bits, 0, 0, table, protocol, scope, type),
    new Uint8Array(4),
  ]);
}

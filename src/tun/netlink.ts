/**
 * Messages of rtnetlink (rtnetlink(7), RFC 3549), with which an interface is configured: bytes only, nothing is sent here.
 * Fields are in the machine's order, which is little-endian on every machine this room supports.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { type Cidr, IPV4_LENGTH } from "../wire/address.ts";

/** `struct nlmsghdr` (linux/netlink.h). */
export const HEADER_LENGTH = 16;
const MESSAGE_LENGTH = 0;
const MESSAGE_TYPE = 4;
const MESSAGE_FLAGS = 6;
const MESSAGE_SEQUENCE = 8;
/** In an answer of the type NLMSG_ERROR: a negative error number, 0 for success. */
const ERROR_CODE = 16;
const NLMSG_ERROR = 2;

const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** Message types (linux/rtnetlink.h). */
const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
export const RTM_NEWROUTE = 24;

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;

/** Attributes and values (linux/if_link.h, if_addr.h, rtnetlink.h). */
const NLA_F_NESTED = 0x8000;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFF_UP = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_NODAD = 0x02;
export const RTA_DST = 1;
export const RTA_OIF = 4;
export const RT_TABLE_MAIN = 254;
export const RTPROT_STATIC = 4;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RTN_UNICAST = 1;

/** A request without its sequence number, which {@linkcode numbered} sets. */
export type NetlinkRequest = Uint8Array<ArrayBuffer>;

/** Brings the interface `index` up, changes its MTU, or the number of packets that may wait in it for their reader. */
export function linkRequest(
  index: number,
  change: { readonly up?: boolean; readonly mtu?: number; readonly queuePackets?: number },
): NetlinkRequest {
  const up = change.up ? IFF_UP : 0;
  const numbers = [[IFLA_MTU, change.mtu], [IFLA_TXQLEN, change.queuePackets]] as const;
  const attributes = numbers.flatMap(([type, value]) => {
    return value === undefined ? [] : [attribute(type, u32(value))];
  });
  return request(RTM_NEWLINK, 0, [linkInfo(index, up, up), ...attributes]);
}

/** Keeps the kernel from giving the interface a link-local address, and with it from soliciting routers there. */
export function quietIpv6Request(index: number): NetlinkRequest {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, Uint8Array.of(IN6_ADDR_GEN_MODE_NONE));
  const family = attribute(AF_INET6 | NLA_F_NESTED, mode);
  return request(RTM_NEWLINK, 0, [
    linkInfo(index, 0, 0),
    attribute(IFLA_AF_SPEC | NLA_F_NESTED, family),
  ]);
}

/** Gives the interface an address; its network becomes a route by itself. */
export function addressRequest(index: number, { address, prefixLength }: Cidr): NetlinkRequest {
  const flags = address.length === IPV4_LENGTH ? 0 : IFA_F_NODAD;
  const info = Uint8Array.of(family(address), prefixLength, flags, RT_SCOPE_UNIVERSE);
  return request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, [
    info,
    u32(index),
    attribute(IFA_LOCAL, address),
    attribute(IFA_ADDRESS, address),
  ]);
}

/** Leads a block of addresses into the interface. Bits of the address behind the prefix are ignored. */
export function routeRequest(index: number, { address, prefixLength }: Cidr): NetlinkRequest {
  const scope = address.length === IPV4_LENGTH ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const info = Uint8Array.of(
    family(address),
    prefixLength,
    0, // source prefix length
    0, // type of service
    RT_TABLE_MAIN,
    RTPROT_STATIC,
    scope,
    RTN_UNICAST,
  );
  const destination = prefixLength === 0
    ? []
    : [attribute(RTA_DST, networkOf(address, prefixLength))];
  return request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, [
    info,
    u32(0),
    ...destination,
    attribute(RTA_OIF, u32(index)),
  ]);
}

/** Sets the sequence number of a request, by which its answer is known. */
export function numbered(message: NetlinkRequest, sequence: number): NetlinkRequest {
  view(message).setUint32(MESSAGE_SEQUENCE, sequence, true);
  return message;
}

/** The error number in the answer to the request `sequence`: 0 for success, undefined when these bytes are no answer to it. */
export function answerOf(bytes: Uint8Array, sequence: number): number | undefined {
  if (bytes.length < ERROR_CODE + 4) return undefined;
  const fields = view(bytes);
  if (fields.getUint16(MESSAGE_TYPE, true) !== NLMSG_ERROR) return undefined;
  if (fields.getUint32(MESSAGE_SEQUENCE, true) !== sequence) return undefined;
  return -fields.getInt32(ERROR_CODE, true);
}

/** Whether these bytes are a message about the request `sequence`. */
export function isFor(bytes: Uint8Array, sequence: number): boolean {
  return bytes.length >= HEADER_LENGTH &&
    view(bytes).getUint32(MESSAGE_SEQUENCE, true) === sequence;
}

/** A request: its header, then its parts. */
export function request(type: number, flags: number, parts: readonly Uint8Array[]): NetlinkRequest {
  const message = concatBytes([new Uint8Array(HEADER_LENGTH), ...parts]);
  const fields = view(message);
  fields.setUint32(MESSAGE_LENGTH, message.length, true);
  fields.setUint16(MESSAGE_TYPE, type, true);
  fields.setUint16(MESSAGE_FLAGS, NLM_F_REQUEST | NLM_F_ACK | flags, true);
  return message;
}

/** `struct ifinfomsg`. */
function linkInfo(index: number, flags: number, change: number): Uint8Array {
  return concatBytes([Uint8Array.of(AF_UNSPEC, 0, 0, 0), u32(index), u32(flags), u32(change)]);
}

/** `struct rtattr`: length, type, value, and padding to four bytes that the length leaves out. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const fields = view(bytes);
  fields.setUint16(0, 4 + value.length, true);
  fields.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** The number of an address's family. */
export function family(address: Uint8Array): number {
  return address.length === IPV4_LENGTH ? AF_INET : AF_INET6;
}

/** The kernel refuses an IPv4 route with bits behind its prefix. */
function networkOf(address: Uint8Array, prefixLength: number): Uint8Array {
  return address.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefixLength - i * 8));
    return byte & (0xff00 >>> kept);
  });
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value, true);
  return bytes;
}

/** All of `bytes` to read numbers from. */
export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

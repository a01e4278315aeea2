/**
 * Any packet in one line of words, for people who look: the tap, `--log trace`, a test that failed.
 *
 * It reads more than the stack understands and forgives what the stack drops, so it has its own walk over the headers
 * and shares none with the hot path. Whatever the bytes are, the answer is a line and never an exception.
 *
 * @module
 */

import { getU16, getU32 } from "../bytes.ts";
import { formatIp, IPV4_LENGTH, IPV6_LENGTH } from "./address.ts";
import { describeIcmpv4, describeIcmpv6 } from "./describe_icmp.ts";
import { type Ends, size } from "./describe_parts.ts";
import { describeTcp } from "./describe_tcp.ts";
import { describeUdp } from "./describe_udp.ts";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from "./ip.ts";

const IPV4_MIN_HEADER = 20;
const IPV4_TOTAL_LENGTH = 2;
const IPV4_IDENTIFICATION = 4;
const IPV4_FRAGMENT = 6;
const IPV4_PROTOCOL = 9;
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const IPV4_MORE_FRAGMENTS = 0x2000;
const IPV4_OFFSET_MASK = 0x1fff;

const IPV6_HEADER = 40;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_NEXT_HEADER = 6;
const IPV6_SOURCE = 8;
const IPV6_DESTINATION = 24;
const IPV6_FRAGMENT_HEADER = 8;
const IPV6_OFFSET_MASK = 0xfff8;

const NEXT_FRAGMENT = 44;
const NEXT_AUTHENTICATION = 51;
/** Extension headers whose second byte counts what follows the first eight, in eights (RFC 8200, section 4). */
const EXTENSIONS: readonly number[] = [0, 43, 60, 135, 139, 140];

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: "ICMP",
  2: "IGMP",
  4: "IPv4 in IP",
  6: "TCP",
  17: "UDP",
  33: "DCCP",
  41: "IPv6 in IP",
  47: "GRE",
  50: "ESP",
  58: "ICMPv6",
  59: "nothing",
  89: "OSPF",
  132: "SCTP",
  136: "UDP-Lite",
};

/** What the walk over the IP headers found. */
interface Payload {
  readonly ends: Ends;
  readonly protocol: number;
  readonly bytes: Uint8Array;
  /** Words about fragmentation, or empty. */
  readonly fragment: string;
  /** The bytes do not begin with a transport header. */
  readonly isLaterFragment: boolean;
  /** Words about missing or surplus bytes, or empty. */
  readonly note: string;
}

/**
 * One line about an IPv4 or IPv6 packet, for instance
 * `198.18.0.1:40112 > 198.18.0.7:443 TCP SYN seq 1 win 64240 mss 1460 sackOK wscale 7`.
 *
 * @example A look at a packet
 * ```ts
 * import { describePacket } from "./describe.ts";
 *
 * const line = describePacket(new Uint8Array([0x45, 0, 0, 40]));
 * if (line !== "IPv4 packet cut short: 4 of at least 20 bytes") throw new Error(line);
 * ```
 */
export function describePacket(packet: Uint8Array): string {
  return describe(packet, true);
}

/** `mayQuote` is false inside the quotation of an ICMP error: errors about errors do not exist (RFC 1122, section 3.2.2). */
function describe(packet: Uint8Array, mayQuote: boolean): string {
  if (packet.length === 0) return "empty packet";
  const version = packet[0] >>> 4;
  if (version !== 4 && version !== 6) {
    return `not an IP packet: version ${version}, ${size(packet.length)}`;
  }
  const found = version === 4 ? walkIpv4(packet) : walkIpv6(packet);
  if (typeof found === "string") return found;
  const parts = [describePayload(found, mayQuote), found.fragment, found.note];
  return parts.filter((part) => part !== "").join(", ");
}

function describePayload(found: Payload, mayQuote: boolean): string {
  const { ends, protocol, bytes } = found;
  const quote = mayQuote
    ? (packet: Uint8Array) => `[${describe(packet, false)}]`
    : (packet: Uint8Array) => size(packet.length);
  if (!found.isLaterFragment) {
    if (protocol === PROTOCOL_TCP) return describeTcp(ends, bytes);
    if (protocol === PROTOCOL_UDP) return describeUdp(ends, bytes);
    const hosts = `${ends.source} > ${ends.destination}`;
    if (protocol === PROTOCOL_ICMP) return `${hosts} ${describeIcmpv4(bytes, quote)}`;
    if (protocol === PROTOCOL_ICMPV6) return `${hosts} ${describeIcmpv6(bytes, quote)}`;
  }
  const name = PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`;
  return `${ends.source} > ${ends.destination} ${name}, ${size(bytes.length)}`;
}

function walkIpv4(packet: Uint8Array): Payload | string {
  if (packet.length < IPV4_MIN_HEADER) {
    return `IPv4 packet cut short: ${packet.length} of at least ${IPV4_MIN_HEADER} bytes`;
  }
  const headerLength = (packet[0] & 0x0f) * 4;
  if (headerLength < IPV4_MIN_HEADER) {
    return `IPv4 packet with an impossible header length of ${size(headerLength)}`;
  }
  const ends = readEnds(packet, IPV4_SOURCE, IPV4_DESTINATION, IPV4_LENGTH);
  const totalLength = getU16(packet, IPV4_TOTAL_LENGTH);
  const note = lengthNote(totalLength, packet.length);
  const flags = getU16(packet, IPV4_FRAGMENT);
  const offset = (flags & IPV4_OFFSET_MASK) * 8;
  const more = (flags & IPV4_MORE_FRAGMENTS) !== 0;
  return {
    ends,
    protocol: packet[IPV4_PROTOCOL],
    bytes: packet.subarray(headerLength, Math.max(headerLength, totalLength)),
    fragment: fragmentWords(offset, more, getU16(packet, IPV4_IDENTIFICATION)),
    isLaterFragment: offset > 0,
    note,
  };
}

function walkIpv6(packet: Uint8Array): Payload | string {
  if (packet.length < IPV6_HEADER) {
    return `IPv6 packet cut short: ${packet.length} of ${IPV6_HEADER} header bytes`;
  }
  const ends = readEnds(packet, IPV6_SOURCE, IPV6_DESTINATION, IPV6_LENGTH);
  const totalLength = IPV6_HEADER + getU16(packet, IPV6_PAYLOAD_LENGTH);
  const note = lengthNote(totalLength, packet.length);
  const end = Math.min(totalLength, packet.length);
  let protocol = packet[IPV6_NEXT_HEADER];
  let at = IPV6_HEADER;
  let fragment = "";
  let offset = 0;
  // Each turn moves at least eight bytes ahead, so garbage cannot hold the walk.
  while (offset === 0 && at + IPV6_FRAGMENT_HEADER <= end) {
    const length = extensionLength(protocol, packet[at + 1]);
    if (length === 0) break;
    if (protocol === NEXT_FRAGMENT) {
      const field = getU16(packet, at + 2);
      offset = field & IPV6_OFFSET_MASK;
      fragment = fragmentWords(offset, (field & 1) !== 0, getU32(packet, at + 4));
    }
    protocol = packet[at];
    at += length;
  }
  const bytes = packet.subarray(Math.min(at, end), end);
  return { ends, protocol, bytes, fragment, isLaterFragment: offset > 0, note };
}

/** Bytes of an extension header, 0 when `protocol` is none. */
function extensionLength(protocol: number, count: number): number {
  if (protocol === NEXT_FRAGMENT) return IPV6_FRAGMENT_HEADER;
  // RFC 4302, section 2.2: the one header that counts in fours.
  if (protocol === NEXT_AUTHENTICATION) return Math.max(8, (count + 2) * 4);
  return EXTENSIONS.includes(protocol) ? (count + 1) * 8 : 0;
}

function readEnds(packet: Uint8Array, source: number, destination: number, length: number): Ends {
  return {
    source: formatIp(packet, source, length),
    destination: formatIp(packet, destination, length),
  };
}

function fragmentWords(offset: number, more: boolean, id: number): string {
  if (offset === 0) return more ? `first fragment of id ${id}` : "";
  return `${more ? "fragment" : "last fragment"} of id ${id} at ${offset}`;
}

function lengthNote(stated: number, actual: number): string {
  if (stated > actual) return `cut short: ${actual} of ${stated} bytes`;
  return stated < actual ? `${size(actual - stated)} behind its end` : "";
}

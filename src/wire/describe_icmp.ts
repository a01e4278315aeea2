/**
 * ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861, RFC 3810) messages in words.
 *
 * @module
 */

import { getU16, getU32 } from "../bytes.ts";
import { formatIp, IPV4_LENGTH, IPV6_LENGTH } from "./address.ts";
import { size } from "./describe_parts.ts";

/** Bytes in front of the body: type, code, checksum, and four that each type uses in its own way. */
const HEADER = 8;
const TYPE = 0;
const CODE = 1;
const REST = 4;
/** Where a redirect or a neighbour message of ICMPv6 names its target. */
const ND_TARGET = 8;

/** Describes the packet that an error quotes. */
export type Quote = (packet: Uint8Array) => string;

const UNREACHABLE_V4 = [
  "network",
  "host",
  "protocol",
  "port",
  "fragmentation needed",
  "source route failed",
  "network unknown",
  "host unknown",
  "host isolated",
  "network prohibited",
  "host prohibited",
  "network for this type of service",
  "host for this type of service",
  "administratively prohibited",
  "host precedence",
  "precedence cutoff",
];

const UNREACHABLE_V6 = [
  "no route",
  "administratively prohibited",
  "beyond scope",
  "address",
  "port",
  "source address failed policy",
  "reject route",
];

const PLAIN_V6: Readonly<Record<number, string>> = {
  130: "multicast listener query",
  131: "multicast listener report",
  132: "multicast listener done",
  133: "router solicitation",
  134: "router advertisement",
  143: "multicast listener report",
};

/** Words about an ICMP message of IPv4, which may be cut short. */
export function describeIcmpv4(bytes: Uint8Array, quote: Quote): string {
  if (bytes.length < HEADER) return `ICMP, ${size(bytes.length)} of its header`;
  const type = bytes[TYPE];
  const code = bytes[CODE];
  const about = () => `about ${quote(bytes.subarray(HEADER))}`;
  if (type === 8) return `ICMP echo request ${echoWords(bytes)}`;
  if (type === 0) return `ICMP echo reply ${echoWords(bytes)}`;
  if (type === 3) {
    const mtu = code === 4 ? ` (mtu ${getU16(bytes, REST + 2)})` : "";
    return `ICMP unreachable: ${UNREACHABLE_V4[code] ?? `code ${code}`}${mtu}, ${about()}`;
  }
  if (type === 4) return `ICMP source quench, ${about()}`;
  if (type === 5) return `ICMP redirect to ${formatIp(bytes, REST, IPV4_LENGTH)}, ${about()}`;
  if (type === 11) return `ICMP time exceeded ${exceededWords(code)}, ${about()}`;
  if (type === 12) return `ICMP parameter problem at byte ${bytes[REST]}, ${about()}`;
  return `ICMP type ${type} code ${code}, ${size(bytes.length - HEADER)}`;
}

/** Words about an ICMPv6 message, which may be cut short. */
export function describeIcmpv6(bytes: Uint8Array, quote: Quote): string {
  if (bytes.length < HEADER) return `ICMPv6, ${size(bytes.length)} of its header`;
  const type = bytes[TYPE];
  const code = bytes[CODE];
  const about = () => `about ${quote(bytes.subarray(HEADER))}`;
  if (type === 128) return `ICMPv6 echo request ${echoWords(bytes)}`;
  if (type === 129) return `ICMPv6 echo reply ${echoWords(bytes)}`;
  if (type === 1) {
    return `ICMPv6 unreachable: ${UNREACHABLE_V6[code] ?? `code ${code}`}, ${about()}`;
  }
  if (type === 2) return `ICMPv6 packet too big (mtu ${getU32(bytes, REST)}), ${about()}`;
  if (type === 3) return `ICMPv6 time exceeded ${exceededWords(code)}, ${about()}`;
  if (type === 4) return `ICMPv6 parameter problem at byte ${getU32(bytes, REST)}, ${about()}`;
  if (type === 135) return `ICMPv6 neighbor solicitation: who has ${targetWords(bytes)}`;
  if (type === 136) return `ICMPv6 neighbor advertisement: here is ${targetWords(bytes)}`;
  if (type === 137) return `ICMPv6 redirect to ${targetWords(bytes)}`;
  const name = PLAIN_V6[type] ?? `type ${type} code ${code}`;
  return `ICMPv6 ${name}, ${size(bytes.length - HEADER)}`;
}

function echoWords(bytes: Uint8Array): string {
  const id = getU16(bytes, REST);
  return `id ${id} seq ${getU16(bytes, REST + 2)}, ${size(bytes.length - HEADER)}`;
}

function exceededWords(code: number): string {
  return ["in transit", "in reassembly"][code] ?? `code ${code}`;
}

function targetWords(bytes: Uint8Array): string {
  if (bytes.length < ND_TARGET + IPV6_LENGTH) return "an address cut short";
  return formatIp(bytes, ND_TARGET, IPV6_LENGTH);
}

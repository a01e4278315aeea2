/**
 * IP addresses as text, as bytes, as blocks, and what kind each one is. An address is 4 or 16 bytes in network order;
 * text is what people write and what a CONNECT authority carries.
 *
 * Absent on purpose: zone identifiers (`fe80::1%eth0`), for they mean nothing on another machine, and the historic
 * spellings of IPv4 (`127.1`, `0x7f.1`, `0177.0.0.1`), which let one address hide from a filter that reads another.
 *
 * @module
 */

import { equalBytes } from "../bytes.ts";

/** Bytes of an IPv4 address. */
export const IPV4_LENGTH = 4;
/** Bytes of an IPv6 address. */
export const IPV6_LENGTH = 16;

/** The longest IPv6 text: six full groups and an embedded IPv4 address. */
const MAX_TEXT_LENGTH = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".length;
/** One byte in decimal: no sign, no leading zero, because some read `010` as 8 (RFC 6943, section 3.1.1). */
const DECIMAL_BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;
const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** A block of addresses, or an address with the size of its network. */
export interface Cidr {
  /** 4 or 16 bytes, as written: bits behind the prefix are kept, for an interface's own address has them. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** 0 to 32 or 0 to 128. */
  readonly prefixLength: number;
}

/** Parses a dotted quad of four decimal numbers; undefined for anything else. */
export function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const parts = text.split(".", IPV4_LENGTH + 1);
  if (parts.length !== IPV4_LENGTH) return undefined;
  const bytes = new Uint8Array(IPV4_LENGTH);
  for (let i = 0; i < IPV4_LENGTH; i++) {
    const value = DECIMAL_BYTE.test(parts[i]) ? Number(parts[i]) : 256;
    if (value > 255) return undefined;
    bytes[i] = value;
  }
  return bytes;
}

/** Parses an IPv6 address (RFC 4291, section 2.2), with or without an embedded IPv4 tail; undefined for anything else. */
export function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0], !compressed);
  const tail = compressed ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const gap = IPV6_LENGTH - head.length - tail.length;
  // "::" stands for at least one group.
  if (compressed ? gap < 2 : gap !== 0) return undefined;
  const bytes = new Uint8Array(IPV6_LENGTH);
  bytes.set(head, 0);
  bytes.set(tail, head.length + gap);
  return bytes;
}

/** The bytes of one side of "::"; `isEnd` allows an IPv4 address as the last group. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === "") return bytes;
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
      continue;
    }
    const embedded = isEnd && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (embedded === undefined) return undefined;
    bytes.push(...embedded);
  }
  return bytes.length <= IPV6_LENGTH ? bytes : undefined;
}

/** Parses an IPv4 (4 bytes) or IPv6 (16 bytes) address without brackets; undefined for anything else. */
export function parseIp(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/**
 * The text of the address of `length` (4 or 16) bytes at `offset`, IPv6 in the one form of RFC 5952: lower case, no leading
 * zeros, the longest run of zero groups as "::", and a dotted tail for IPv4-mapped addresses (section 5).
 *
 * @throws {RangeError} If `length` is neither 4 nor 16
 */
export function formatIp(bytes: Uint8Array, offset = 0, length = bytes.length - offset): string {
  if (length === IPV4_LENGTH) {
    return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
  }
  if (length !== IPV6_LENGTH) {
    throw new RangeError(`Cannot format an address of "${length}" bytes: pass 4 or 16`);
  }
  const address = bytes.subarray(offset, offset + IPV6_LENGTH);
  const ipv4 = unmapIp(address);
  if (ipv4.length === IPV4_LENGTH) return `::ffff:${formatIp(ipv4)}`;
  const groups: number[] = [];
  for (let i = 0; i < IPV6_LENGTH; i += 2) groups.push((address[i] << 8) | address[i + 1]);
  const [start, end] = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (end - start < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(end))}`;
}

/** Start and end of the longest run of zeros, the first one of equals (RFC 5952, section 4.2.3). */
function longestZeroRun(groups: readonly number[]): [start: number, end: number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best[1] - best[0]) best = [start, i];
    start = i + 1;
  }
  return best;
}

/** The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:0:0/96`), a view of it; any other address as it is. */
export function unmapIp<T extends Uint8Array>(address: T): T {
  const mapped = address.length === IPV6_LENGTH &&
    equalBytes(address.subarray(0, MAPPED_PREFIX.length), MAPPED_PREFIX);
  return mapped ? address.subarray(MAPPED_PREFIX.length) as T : address;
}

/** Parses `ADDRESS/LENGTH`; an address alone is a block of one. Undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip, length, ...rest] = text.split("/", 3);
  const address = parseIp(ip);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.length * 8;
  if (length === undefined) return { address, prefixLength: bits };
  const prefixLength = PREFIX_LENGTH.test(length) ? Number(length) : bits + 1;
  return prefixLength <= bits ? { address, prefixLength } : undefined;
}

/** Whether `address` (4 or 16 bytes) lies in the block. An IPv4-mapped address does not lie in an IPv4 block. */
export function cidrContains(cidr: Cidr, address: Uint8Array): boolean {
  if (address.length !== cidr.address.length) return false;
  const whole = cidr.prefixLength >>> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== cidr.address[i]) return false;
  const rest = cidr.prefixLength & 7;
  return rest === 0 || ((address[whole] ^ cidr.address[whole]) >>> (8 - rest)) === 0;
}

/** The text of a block, always with its prefix length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.address)}/${cidr.prefixLength}`;
}

/**
 * What an address is for. `mapped` is an IPv4 address in IPv6 clothes: look at {@linkcode unmapIp} of it before trusting it.
 * `reserved` is all that should not appear on the Internet and has no better word.
 */
export type IpClass =
  | "unspecified"
  | "loopback"
  | "private"
  | "shared"
  | "link-local"
  | "multicast"
  | "broadcast"
  | "documentation"
  | "benchmark"
  | "reserved"
  | "unique-local"
  | "mapped"
  | "global";

/**
 * The IANA special-purpose address registries (RFC 6890, as of 2025), with the multicast and reserved blocks of the address space
 * registries. The longest matching prefix decides, so exceptions stand beside their block.
 */
const SPECIAL_PURPOSE: readonly (readonly [block: string, kind: IpClass])[] = [
  ["0.0.0.0/0", "global"],
  ["0.0.0.0/8", "reserved"], // "this network", RFC 791
  ["0.0.0.0/32", "unspecified"], // RFC 1122
  ["10.0.0.0/8", "private"], // RFC 1918
  ["100.64.0.0/10", "shared"], // RFC 6598
  ["127.0.0.0/8", "loopback"], // RFC 1122
  ["169.254.0.0/16", "link-local"], // RFC 3927
  ["172.16.0.0/12", "private"], // RFC 1918
  ["192.0.0.0/24", "reserved"], // IETF protocol assignments, RFC 6890
  ["192.0.0.9/32", "global"], // port control anycast, RFC 7723
  ["192.0.0.10/32", "global"], // TURN anycast, RFC 8155
  ["192.0.2.0/24", "documentation"], // RFC 5737
  ["192.88.99.0/24", "reserved"], // 6to4 relay anycast, deprecated by RFC 7526
  ["192.168.0.0/16", "private"], // RFC 1918
  ["198.18.0.0/15", "benchmark"], // RFC 2544
  ["198.51.100.0/24", "documentation"], // RFC 5737
  ["203.0.113.0/24", "documentation"], // RFC 5737
  ["224.0.0.0/4", "multicast"], // RFC 5771
  ["240.0.0.0/4", "reserved"], // RFC 1112
  ["255.255.255.255/32", "broadcast"], // RFC 8190
  ["::/0", "reserved"], // not assigned, RFC 4291
  ["2000::/3", "global"], // RFC 4291
  ["::/128", "unspecified"], // RFC 4291
  ["::1/128", "loopback"], // RFC 4291
  ["::ffff:0.0.0.0/96", "mapped"], // RFC 4291
  ["64:ff9b:1::/48", "private"], // local-use translation, RFC 8215
  ["2001::/23", "reserved"], // IETF protocol assignments, RFC 2928; Teredo, RFC 4380
  ["2001:1::1/128", "global"], // port control anycast, RFC 7723
  ["2001:1::2/128", "global"], // TURN anycast, RFC 8155
  ["2001:1::3/128", "global"], // DNS-SD service registration anycast, RFC 9665
  ["2001:2::/48", "benchmark"], // RFC 5180
  ["2001:3::/32", "global"], // AMT, RFC 7450
  ["2001:4:112::/48", "global"], // AS112, RFC 7535
  ["2001:20::/28", "global"], // ORCHIDv2, RFC 7343
  ["2001:30::/28", "global"], // drone remote identification, RFC 9374
  ["2001:db8::/32", "documentation"], // RFC 3849
  ["2002::/16", "reserved"], // 6to4, RFC 3056: any IPv4 address could hide in it
  ["3fff::/20", "documentation"], // RFC 9637
  ["5f00::/16", "reserved"], // segment routing, RFC 9602
  ["fc00::/7", "unique-local"], // RFC 4193
  ["fe80::/10", "link-local"], // RFC 4291
  ["ff00::/8", "multicast"], // RFC 4291
];

const SPECIAL_BLOCKS = SPECIAL_PURPOSE
  .map(([block, kind]) => ({ cidr: parseCidr(block)!, kind }))
  .sort((a, b) => b.cidr.prefixLength - a.cidr.prefixLength);

/** NAT64 (RFC 6052): the address of an IPv4 host behind a translator. */
const NAT64 = parseCidr("64:ff9b::/96")!;

/**
 * What the address (4 or 16 bytes) is for. An address of the NAT64 prefix `64:ff9b::/96` is what its IPv4 address is, because a
 * translator takes it there (RFC 6052, section 3.1).
 */
export function classifyIp(address: Uint8Array): IpClass {
  if (cidrContains(NAT64, address)) return classifyIp(address.subarray(MAPPED_PREFIX.length));
  return SPECIAL_BLOCKS.find(({ cidr }) => cidrContains(cidr, address))?.kind ?? "reserved";
}

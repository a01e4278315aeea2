/**
 * ICMP errors: which packet may be answered with one, and what one that comes in means.
 *
 * @module
 */

import { equalBytes, getU16, getU32 } from "../bytes.ts";
import {
  FRAGMENTATION_NEEDED,
  ICMP_CODE,
  ICMP_HEADER_LENGTH,
  ICMP_REST,
  ICMP_TYPE,
  isIcmpError,
  PACKET_TOO_BIG,
  UNREACHABLE,
} from "../wire/icmp.ts";
import {
  type DropReason,
  type IpPacket,
  newIpPacket,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
} from "../wire/ip.ts";
import { IPV4_HEADER_LENGTH } from "../wire/ipv4.ts";
import { IPV6_HEADER_LENGTH } from "../wire/ipv6.ts";
import { upperLayerAt, upperLayerProtocol } from "../wire/ipv6_extensions.ts";
import { MIN_MTU_V6, nextPlateau } from "./path_mtu.ts";

/**
 * Whether an error may be sent about a packet: never about an error, nor a fragment other than the first (RFC 1122, section 3.2.2; RFC 4443,
 * section 2.4 e). Packets to many hosts or from none never come this far.
 */
export function mayBeAnswered(packet: Uint8Array): boolean {
  if (packet[0] >>> 4 === 4) {
    if ((getU16(packet, 6) & 0x1fff) !== 0) return false;
    return packet[9] !== PROTOCOL_ICMP || !isIcmpError(4, packet[(packet[0] & 0x0f) * 4]);
  }
  const { length } = packet;
  if (upperLayerProtocol(packet, packet[6], IPV6_HEADER_LENGTH, length) !== PROTOCOL_ICMPV6) {
    return true;
  }
  const at = upperLayerAt(packet, packet[6], IPV6_HEADER_LENGTH, length);
  return at >= 0 && !isIcmpError(6, packet[at + ICMP_TYPE]);
}

/** A segment of ours that an ICMP message gives back, seen from the program: `ip.source` is the program's address. */
export interface TooBig {
  readonly ip: IpPacket;
  /** The program's port. */
  sourcePort: number;
  destinationPort: number;
  seq: number;
  /** Whether it is a segment at all; the three above mean nothing otherwise. */
  isTcp: boolean;
  /** What the path takes. */
  mtu: number;
}

/** An empty shape to fill. */
export function newTooBig(): TooBig {
  return { ip: newIpPacket(), sourcePort: 0, destinationPort: 0, seq: 0, isTcp: false, mtu: 0 };
}

/** Whether the ICMP message that stands parsed in `bytes` is the one of all errors that means something to an open flow. */
export function saysTooBig(bytes: Uint8Array, { version, payloadAt }: IpPacket): boolean {
  const type = bytes[payloadAt + ICMP_TYPE];
  if (version === 6) return type === PACKET_TOO_BIG;
  return type === UNREACHABLE && bytes[payloadAt + ICMP_CODE] === FRAGMENTATION_NEEDED;
}

/**
 * Reads the ICMP error that stands parsed in `bytes`; returns undefined when it says that a packet of ours was too big for its path, and why
 * it means nothing otherwise. Of all other errors an open connection takes no notice (RFC 5927, section 5.2), and one that is not open
 * yet has its own deadline.
 */
export function readTooBig(
  bytes: Uint8Array,
  icmp: IpPacket,
  into: TooBig,
): DropReason | undefined {
  if (!saysTooBig(bytes, icmp)) return "icmp-error-ignored";
  const { version, payloadAt, payloadEnd } = icmp;
  const length = readQuote(bytes, icmp, payloadAt + ICMP_HEADER_LENGTH, payloadEnd, into);
  if (length < 0) return "icmp-error-bad-quote";
  into.mtu = version === 6
    ? getU32(bytes, payloadAt + ICMP_REST)
    // Two bytes of it, and zero from a router older than RFC 1191.
    : getU16(bytes, payloadAt + ICMP_REST + 2) || nextPlateau(length);
  // RFC 8201, section 4: must be discarded. Nothing is ever cut because of it (RFC 8021).
  if (version === 6 && into.mtu < MIN_MTU_V6) return "icmp-mtu-below-minimum";
  // RFC 5927, section 7.2: a packet that would have fit was not too big.
  return into.mtu < length ? undefined : "icmp-mtu-not-smaller";
}

/** Reads the quoted packet; returns its length as it was on its way, -1 when it cannot be one of ours. */
function readQuote(
  bytes: Uint8Array,
  icmp: IpPacket,
  at: number,
  end: number,
  into: TooBig,
): number {
  const isV4 = icmp.version === 4;
  const header = isV4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  // RFC 792: the header and eight bytes, which are ports and sequence number. Ours have neither options nor extension headers.
  if (end - at < header + 8 || bytes[at] >>> 4 !== icmp.version) return -1;
  if (isV4 && bytes[at] !== 0x45) return -1;
  const { ip } = into;
  ip.version = icmp.version;
  ip.addressLength = icmp.addressLength;
  ip.destinationAt = at + (isV4 ? 12 : 8);
  ip.sourceAt = ip.destinationAt + ip.addressLength;
  // Whoever says it says it to the sender of the packet.
  const target = bytes.subarray(icmp.destinationAt, icmp.destinationAt + ip.addressLength);
  const sender = bytes.subarray(ip.destinationAt, ip.destinationAt + ip.addressLength);
  if (!equalBytes(target, sender)) return -1;
  into.isTcp = bytes[at + (isV4 ? 9 : 6)] === PROTOCOL_TCP;
  into.destinationPort = getU16(bytes, at + header);
  into.sourcePort = getU16(bytes, at + header + 2);
  into.seq = getU32(bytes, at + header + 4);
  return isV4 ? getU16(bytes, at + 2) : IPV6_HEADER_LENGTH + getU16(bytes, at + 4);
}

/**
 * What IPv4 and IPv6 packets have in common, as one shape that is filled in place: the stack keeps a single
 * {@linkcode IpPacket} and every packet passes through it.
 *
 * @module
 */

/** Protocol numbers (IANA). */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

/** Why a packet was dropped: the name of a counter. */
export type DropReason = string;

/** Where the parts of a packet stand in the buffer it was read into. */
export interface IpPacket {
  version: 4 | 6;
  /** 4 or 16. */
  addressLength: number;
  /** Where the packet starts. */
  start: number;
  sourceAt: number;
  destinationAt: number;
  /** The protocol of the payload, after all extension headers. */
  protocol: number;
  /** Where the payload starts and ends; `payloadEnd` obeys the header's length, not the buffer's. */
  payloadAt: number;
  payloadEnd: number;
  /** TTL or hop limit. */
  hopLimit: number;
}

/** An empty shape to fill. */
export function newIpPacket(): IpPacket {
  return {
    version: 4,
    addressLength: 4,
    start: 0,
    sourceAt: 0,
    destinationAt: 0,
    protocol: 0,
    payloadAt: 0,
    payloadEnd: 0,
    hopLimit: 0,
  };
}

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
  /** Where that number is written: an answer about an unknown protocol points there. */
  protocolAt: number;
  /** Where the payload starts and ends; `payloadEnd` obeys the header's length, not the buffer's. */
  payloadAt: number;
  payloadEnd: number;
  /** TTL or hop limit. */
  hopLimit: number;
  /** The payload is a piece of a larger one; only then the next three mean something. */
  isFragment: boolean;
  /** Bytes of the whole payload in front of this piece. */
  fragmentOffset: number;
  moreFragments: boolean;
  fragmentId: number;
  /** What ICMP says to the sender of a packet that is dropped: the type, or `NO_ERROR`. */
  errorType: number;
  errorCode: number;
  /** The four bytes behind the checksum: where the trouble stands, in the way of the type. */
  errorRest: number;
}

/** A packet of which its sender hears nothing. */
export const NO_ERROR = -1;

/** The longest packet of either family, as far as its length field can tell; jumbograms (RFC 2675) have no place in a TUN device. */
export const MAX_PACKET_LENGTH = 65_535;

/** An empty shape to fill. */
export function newIpPacket(): IpPacket {
  return {
    version: 4,
    addressLength: 4,
    start: 0,
    sourceAt: 0,
    destinationAt: 0,
    protocol: 0,
    protocolAt: 0,
    payloadAt: 0,
    payloadEnd: 0,
    hopLimit: 0,
    isFragment: false,
    fragmentOffset: 0,
    moreFragments: false,
    fragmentId: 0,
    errorType: NO_ERROR,
    errorCode: 0,
    errorRest: 0,
  };
}

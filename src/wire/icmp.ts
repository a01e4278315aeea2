/**
 * The messages of ICMP (RFC 792, RFC 1812) and ICMPv6 (RFC 4443) that this stack reads or sends: echo and errors.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";

/** Bytes of the header: type, code, checksum and four bytes whose meaning the type gives. */
export const ICMP_HEADER_LENGTH = 8;

/** Where the type, the code, the checksum and the last four bytes stand. */
export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM_OFFSET = 2;
export const ICMP_REST = 4;

export const ECHO_REPLY = 0;
export const UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
export const ECHO_REQUEST = 8;
export const TIME_EXCEEDED = 11;
export const PARAMETER_PROBLEM = 12;

export const UNREACHABLE_V6 = 1;
export const PACKET_TOO_BIG = 2;
export const TIME_EXCEEDED_V6 = 3;
export const PARAMETER_PROBLEM_V6 = 4;
export const ECHO_REQUEST_V6 = 128;
export const ECHO_REPLY_V6 = 129;
const REDIRECT_V6 = 137;

/** Codes of destination unreachable over IPv4. */
export const PROTOCOL_UNREACHABLE = 2;
export const FRAGMENTATION_NEEDED = 4;

/** The code of time exceeded, in both families, when not all fragments came. */
export const REASSEMBLY_TIME_EXCEEDED = 1;

/** Codes of ICMPv6 parameter problem (RFC 4443, section 3.4; RFC 7112, section 5.1; RFC 8883, section 2). */
export const HEADER_FIELD = 0;
export const UNRECOGNIZED_NEXT_HEADER = 1;
export const UNRECOGNIZED_OPTION = 2;
export const INCOMPLETE_CHAIN = 3;
export const TOO_MANY_HEADERS = 8;
export const TOO_MANY_OPTIONS = 9;

/** The code of destination unreachable for each refusal that ICMP can say, by family. */
export const UNREACHABLE_CODE: {
  readonly [refusal in Exclude<Refusal, "reset">]: { readonly v4: number; readonly v6: number };
} = {
  "network-unreachable": { v4: 0, v6: 0 },
  "host-unreachable": { v4: 1, v6: 3 },
  "port-unreachable": { v4: 3, v6: 4 },
  "prohibited": { v4: 13, v6: 1 },
};

/**
 * Whether a message is an error, or a redirect, which must never be answered by an error (RFC 1122, section 3.2.2; RFC 4443,
 * section 2.4 e).
 */
export function isIcmpError(version: 4 | 6, type: number): boolean {
  if (version === 6) return type < ECHO_REQUEST_V6 || type === REDIRECT_V6;
  return type === UNREACHABLE || type === SOURCE_QUENCH || type === REDIRECT ||
    type === TIME_EXCEEDED || type === PARAMETER_PROBLEM;
}

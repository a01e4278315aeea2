/**
 * The messages of ICMP (RFC 792, RFC 1812) and ICMPv6 (RFC 4443) that this stack reads or sends: echo and
 * destination unreachable.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";

/** Bytes of the header: type, code, checksum and four bytes whose meaning the type gives. */
export const ICMP_HEADER_LENGTH = 8;

/** Where the type, the code and the checksum stand. */
export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM_OFFSET = 2;

export const ECHO_REPLY = 0;
export const UNREACHABLE = 3;
export const ECHO_REQUEST = 8;

export const ECHO_REQUEST_V6 = 128;
export const ECHO_REPLY_V6 = 129;
export const UNREACHABLE_V6 = 1;

/** The code of destination unreachable for each refusal that ICMP can say, by family. */
export const UNREACHABLE_CODE: {
  readonly [refusal in Exclude<Refusal, "reset">]: { readonly v4: number; readonly v6: number };
} = {
  "network-unreachable": { v4: 0, v6: 0 },
  "host-unreachable": { v4: 1, v6: 3 },
  "port-unreachable": { v4: 3, v6: 4 },
  "prohibited": { v4: 13, v6: 1 },
};

/** Whether a message is an error, which must never be answered by an error (RFC 1122, section 3.2.2; RFC 4443, section 2.4 e). */
export function isIcmpError(version: 4 | 6, type: number): boolean {
  if (version === 6) return type < 128;
  return type === UNREACHABLE || type === 4 || type === 5 || type === 11 || type === 12;
}

/**
 * A UDP datagram in words.
 *
 * @module
 */

import { getU16 } from "../bytes.ts";
import { describeDns } from "./describe_dns.ts";
import { type Ends, endsWithPorts, PORT_DNS, size } from "./describe_parts.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const HEADER = 8;

/** One line about the datagram in `bytes`, which may be cut short. */
export function describeUdp(ends: Ends, bytes: Uint8Array): string {
  if (bytes.length < DESTINATION_PORT + 2) {
    return `${ends.source} > ${ends.destination} UDP, ${size(bytes.length)} of its header`;
  }
  const sourcePort = getU16(bytes, SOURCE_PORT);
  const destinationPort = getU16(bytes, DESTINATION_PORT);
  const hosts = endsWithPorts(ends, sourcePort, destinationPort);
  if (bytes.length < HEADER) return `${hosts} UDP, ${size(bytes.length)} of its header`;
  const stated = getU16(bytes, LENGTH);
  const isDns = sourcePort === PORT_DNS || destinationPort === PORT_DNS;
  const dns = isDns ? describeDns(bytes.subarray(HEADER)) : "";
  const actual = bytes.length;
  const note = stated === actual ? "" : ` (its length says ${size(Math.max(0, stated - HEADER))})`;
  return `${hosts} UDP, ${size(actual - HEADER)}${note}${dns === "" ? "" : `, ${dns}`}`;
}

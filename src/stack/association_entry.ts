/**
 * One UDP association of the stack, and how it begins.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { Association } from "../udp/association.ts";
import type { AllWaiting } from "../udp/waiting.ts";
import { pseudoHeaderSum } from "../wire/checksum.ts";
import { PROTOCOL_UDP } from "../wire/ip.ts";
import type { Scheduled } from "./deadlines.ts";
import type { TableEntry } from "./flow_table.ts";
import type { Identification, IdSequence } from "./identification.ts";
import type { Parsed } from "./ingress.ts";
import type { Limits } from "./limits.ts";
import type { Linked } from "./recency.ts";
import { addressAt } from "./reply_packets.ts";

/** As much of the first datagram as an ICMP error may quote (RFC 4443, section 2.4 c). */
const MAX_QUOTE_BYTES = 1280 - 48;

/** What datagrams to a program have in common when they come from one far side. */
export interface DatagramPath {
  readonly version: 4 | 6;
  /** The program's host and port. */
  readonly source: Uint8Array;
  readonly sourcePort: number;
  /** The far side's. */
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Where losses are counted. */
  readonly association: Association;
  /** Pseudo-header sum of what is sent to the program, without the length. */
  readonly pseudoSum: number;
  /** Identifications of what is sent to the program (IPv4). */
  readonly ids: IdSequence;
}

/** One association, in its table, its list and the heap of deadlines. */
export interface AssociationEntry
  extends TableEntry<AssociationEntry>, Linked<AssociationEntry>, Scheduled, DatagramPath {
  readonly id: number;
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** The beginning of the first packet, for the ICMP error that ends or refuses the association. */
  readonly quote: Uint8Array;
  /** When an unanswered request is refused; Infinity once it is answered. */
  requestDeadline: number;
}

/** What associations of one stack share. */
export interface AssociationSurroundings {
  readonly limits: Limits;
  readonly identification: Identification;
  readonly waiting: AllWaiting;
}

/** The entry for the first datagram, which stands parsed in `frame`. */
export function newAssociation(
  id: number,
  hash: number,
  frame: Uint8Array,
  { ip, datagram }: Parsed,
  { limits, identification, waiting }: AssociationSurroundings,
  now: number,
): AssociationEntry {
  const { version, start, sourceAt, destinationAt, addressLength, payloadEnd } = ip;
  const { associationIdleMs: idleMs, answeredDnsIdleMs, waitingBytes, waitingDatagrams } = limits;
  const config = { idleMs, answeredDnsIdleMs, waitingBytes, waitingDatagrams };
  const source = addressAt(frame, sourceAt, ip);
  const destination = addressAt(frame, destinationAt, ip);
  const { sourcePort, destinationPort } = datagram;
  return {
    id,
    version,
    source,
    destination,
    sourcePort,
    destinationPort,
    hash,
    association: new Association(config, waiting, destinationPort, now),
    // The sum does not care for the order of the addresses.
    pseudoSum: pseudoHeaderSum(frame, sourceAt, destinationAt, addressLength, PROTOCOL_UDP, 0),
    ids: identification.sequence(destination, source, PROTOCOL_UDP),
    quote: frame.slice(start, Math.min(payloadEnd, start + MAX_QUOTE_BYTES)),
    requestDeadline: now + limits.requestTimeoutMs,
    scheduledAt: Infinity,
    next: undefined,
    older: undefined,
    newer: undefined,
  };
}

/** The path from `far`, to whom the program has not written, to the program's port behind `entry`; both of one family. */
export function pathFrom(
  far: Uint8Array,
  farPort: number,
  { version, source, sourcePort, association }: AssociationEntry,
  identification: Identification,
): DatagramPath {
  const both = concatBytes([far, source]);
  const { length } = far;
  return {
    version,
    source,
    sourcePort,
    destination: far,
    destinationPort: farPort,
    association,
    pseudoSum: pseudoHeaderSum(both, 0, length, length, PROTOCOL_UDP, 0),
    ids: identification.sequence(far, source, PROTOCOL_UDP),
  };
}

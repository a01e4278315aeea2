/**
 * From a SYN to a flow that waits for its answer.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { DEFAULT_MSS_V4, DEFAULT_MSS_V6 } from "../tcp/constants.ts";
import { Endpoint } from "../tcp/endpoint.ts";
import { initialSequence, timestampOffset } from "../tcp/isn.ts";
import type { Memory } from "../tcp/memory.ts";
import type { TcpSettings } from "../tcp/settings.ts";
import type { TcpKind } from "../tcp/tcb.ts";
import { pseudoHeaderSum } from "../wire/checksum.ts";
import { PROTOCOL_TCP } from "../wire/ip.ts";
import { TCP_HEADER_LENGTH } from "../wire/tcp.ts";
import { type FlowEntry, holds } from "./flow_table.ts";
import type { Parsed } from "./ingress.ts";
import type { Limits } from "./limits.ts";
import { addressAt, ipHeaderLength } from "./reply_packets.ts";

/** The longest segment with all its headers must fit the length field of IP. */
const MAX_PACKET_BYTES = 65_535;
/** Room for the headers of a super-packet, options included. */
const HEADER_ROOM = 120;

/** What flows are made by. */
export interface EntryOptions {
  readonly mtu: number;
  readonly offload: boolean;
  readonly secret: Uint8Array;
  readonly tcp?: TcpSettings;
  readonly memory: Memory;
  readonly limits: Limits;
}

/** What all endpoints over one version of IP have in common. */
export function tcpKind(version: 4 | 6, options: EntryOptions): TcpKind {
  const { tcp, mtu, limits, memory, offload } = options;
  return {
    ...tcp,
    mss: mtu - ipHeaderLength(version) - TCP_HEADER_LENGTH,
    defaultPeerMss: version === 4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6,
    receiveBufferBytes: limits.receiveBufferBytes,
    sendBufferBytes: limits.sendBufferBytes,
    memory,
    maxPayloadBytes: offload ? MAX_PACKET_BYTES - HEADER_ROOM : 0,
  };
}

/** The entry for the SYN that stands parsed in `frame`. `last` is another entry, with which it may share what is the same. */
export function newEntry(
  id: number,
  hash: number,
  frame: Uint8Array,
  { ip, segment }: Parsed,
  kind: TcpKind,
  { secret, limits }: EntryOptions,
  last: FlowEntry | undefined,
  now: number,
): FlowEntry {
  const { version, sourceAt, destinationAt, addressLength } = ip;
  // Mostly all programs have one address, which is held once.
  const isKnown = last?.version === version && holds(frame, sourceAt, last.source);
  const source = isKnown ? last.source : addressAt(frame, sourceAt, ip);
  const destination = addressAt(frame, destinationAt, ip);
  const { sourcePort, destinationPort } = segment;
  const ports = new Uint8Array(new Uint16Array([sourcePort, destinationPort]).buffer);
  const tuple = concatBytes([source, destination, ports]);
  const numbers = {
    iss: initialSequence(secret, tuple, now),
    timestampOffset: timestampOffset(secret, tuple),
  };
  return {
    id,
    version,
    source,
    destination,
    sourcePort,
    destinationPort,
    hash,
    endpoint: Endpoint.hold(kind, numbers, segment, now),
    // The sum does not care for the order of the addresses.
    pseudoSum: pseudoHeaderSum(frame, sourceAt, destinationAt, addressLength, PROTOCOL_TCP, 0),
    next: undefined,
    syn: frame.slice(ip.start, ip.payloadEnd),
    requestDeadline: now + limits.requestTimeoutMs,
    isReady: false,
    scheduledAt: Infinity,
    hasEnded: false,
    isUnlinked: false,
    readerIsDone: false,
    heldBytes: 0,
    mayFragment: false,
  };
}

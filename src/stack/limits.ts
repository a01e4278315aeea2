/**
 * Every bound of the stack, with its reason.
 *
 * @module
 */

import { DEFAULT_ANSWERED_DNS_IDLE_MS, DEFAULT_IDLE_MS } from "../udp/constants.ts";

/** The bounds of one stack. Give a part of them to have others. */
export interface Limits {
  /** Flows at once, those in TIME-WAIT and those not yet read to their end included. A SYN beyond is dropped, as a full backlog would: the program tries again. */
  readonly flows: number;
  /** SYNs that wait for an answer at once: each is a question to the proxy that is under way. */
  readonly requests: number;
  /** How long a SYN waits for an answer, in milliseconds. Linux programs give up after 127 s; proxies answer or time out well before this. */
  readonly requestTimeoutMs: number;
  /** Flows in TIME-WAIT at once; the oldest gives way, since a local program has no old duplicates on a wire. */
  readonly timeWaits: number;
  /**
   * Bytes of one flow that wait for the proxy: what the receive window towards the program may grow to. It begins with 1 MiB, and 16 MiB
   * fill a path of 1 Gbit/s and 100 ms.
   */
  readonly receiveBufferBytes: number;
  /** Bytes of one flow that wait for the program's acknowledgment; the proxy is read no further while there are more. It begins and grows likewise. */
  readonly sendBufferBytes: number;
  /**
   * Bytes of all flows together, sent and received, in order and out of order: twelve of the largest at their largest, or a few KiB for each
   * of the most flows. Near it every queue and window gets smaller; at it a flow keeps 8 KiB a queue,
   * or one packet, and what comes beyond is dropped and comes again.
   */
  readonly memoryBytes: number;
  /** Answers (RST, ICMP, echo, DNS) that wait for the device; beyond, new ones are dropped: each is repeatable. */
  readonly replies: number;
  /** Bytes of these answers: an echo of 64 KiB is one answer, too. */
  readonly replyBytes: number;
  /**
   * RSTs a second to segments without a flow, and as many ICMP errors (RFC 4443, section 2.4 f; RFC 1812, section 4.3.2.8), each from a bucket
   * of its own. The refusal of a request is not counted: it answers a question, and `requests` bounds those.
   */
  readonly repliesPerSecond: number;
  /** Events that wait for the owner; datagrams beyond are dropped, other events are bounded by the flows. */
  readonly datagrams: number;
  /**
   * UDP associations at once, those that wait for an answer included: each is a stream of the proxy's, and mostly a socket there. The one
   * that has been silent longest gives way. With 0 there is no UDP, and every datagram is answered with port unreachable.
   */
  readonly associations: number;
  /** How long an association lives without a datagram of the program, in milliseconds; at least two minutes (RFC 4787, section 4.3). */
  readonly associationIdleMs: number;
  /** The same for one to port 53 whose last question was answered: most programs take a new port for the next. */
  readonly answeredDnsIdleMs: number;
  /** Datagrams of one association that nobody has taken yet, because the proxy has not answered or a reader is slow; the oldest gives way. */
  readonly waitingDatagrams: number;
  /** Bytes of these: 50 ms at 160 Mbit/s, and always the longest datagram. */
  readonly waitingBytes: number;
  /** Bytes of these in all associations together, and 128 for each; the oldest of all gives way. A flood of ports costs no more than this. */
  readonly allWaitingBytes: number;
  /** Bytes of datagrams that wait for the device, of all associations together; the oldest gives way. */
  readonly inboundDatagramBytes: number;
  /** Packets that wait for their missing fragments at once; the oldest gives way, for a packet that can be whole mostly is at once. */
  readonly reassemblies: number;
  /** Bytes of their fragments, with what it costs to keep them: 64 of the longest packets. Linux takes the same. */
  readonly reassemblyBytes: number;
  /** Fragments of one packet: 64 KiB over an MTU of 296, the smallest that links are known to have (RFC 1191, section 7.1). */
  readonly fragmentsPerPacket: number;
  /** How long they wait, in milliseconds: 60 s to 120 s (RFC 1122, section 3.3.2), 60 s (RFC 8200, section 4.5). */
  readonly reassemblyTimeoutMs: number;
  /** Programs' hosts whose path MTU is remembered; the oldest is forgotten, and found out anew. */
  readonly pathMtus: number;
}

/** What a stack takes when it is told nothing. */
export const DEFAULT_LIMITS: Limits = {
  flows: 65_536,
  requests: 4096,
  requestTimeoutMs: 60_000,
  timeWaits: 8192,
  receiveBufferBytes: 16 << 20,
  sendBufferBytes: 16 << 20,
  memoryBytes: 256 << 20,
  replies: 1024,
  replyBytes: 4 << 20,
  repliesPerSecond: 1000,
  datagrams: 1024,
  associations: 16_384,
  associationIdleMs: DEFAULT_IDLE_MS,
  answeredDnsIdleMs: DEFAULT_ANSWERED_DNS_IDLE_MS,
  waitingDatagrams: 1024,
  waitingBytes: 1 << 20,
  allWaitingBytes: 32 << 20,
  inboundDatagramBytes: 4 << 20,
  reassemblies: 256,
  reassemblyBytes: 4 << 20,
  fragmentsPerPacket: 256,
  reassemblyTimeoutMs: 60_000,
  pathMtus: 1024,
};

/**
 * Every bound of the stack, with its reason.
 *
 * @module
 */

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
  /** Bytes of one flow that wait for the proxy: the receive window towards the program. Two round trips of a fast local link. */
  readonly receiveBufferBytes: number;
  /** Bytes of one flow that wait for the program's acknowledgment; the proxy is read no further while there are more. */
  readonly sendBufferBytes: number;
  /** Answers (RST, ICMP, echo, DNS) that wait for the device; beyond, new ones are dropped: each is repeatable. */
  readonly replies: number;
  /** RSTs and ICMP errors a second that no flow asked for (RFC 4443, section 2.4 f; RFC 1812, section 4.3.2.8). */
  readonly repliesPerSecond: number;
  /** Events that wait for the owner; datagrams beyond are dropped, other events are bounded by the flows. */
  readonly datagrams: number;
}

/** What a stack takes when it is told nothing. */
export const DEFAULT_LIMITS: Limits = {
  flows: 65_536,
  requests: 4096,
  requestTimeoutMs: 60_000,
  timeWaits: 8192,
  receiveBufferBytes: 1 << 20,
  sendBufferBytes: 1 << 20,
  replies: 1024,
  repliesPerSecond: 1000,
  datagrams: 1024,
};

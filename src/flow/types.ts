/**
 * What a flow looks like from outside: types only, so that the relay, a policy and a user's own code depend on nothing else.
 *
 * @module
 */

import type { Outcome } from "../outcome.ts";
import type { SocketAddress } from "../stack/events.ts";

export type { SocketAddress };

/** How a flow ended. Never a rejection: an end is a fact. */
export interface FlowEnd {
  /** `finished`: both sides sent FIN and all bytes were acknowledged. `reset`: either side broke it off. `timeout`: the program fell silent. */
  readonly reason: "finished" | "reset" | "timeout";
  /** Bytes from the program. */
  readonly outboundBytes: number;
  /** Bytes to the program that it acknowledged. */
  readonly inboundBytes: number;
}

/** A TCP connection of a program, terminated here. */
export interface Flow {
  /** Counts from 1 in each stack. */
  readonly id: number;
  /** The transport; a program tells its kinds of flows apart by it. */
  readonly protocol: "tcp";
  /** The program's end. */
  readonly source: SocketAddress;
  /** Where the program wants to go. */
  readonly destination: SocketAddress;
  /**
   * Bytes from the program. Closes on its FIN, errors on its RST. Only a pull opens the receive window.
   * Cancel: what the program still sends is answered with RST (RFC 1122, section 4.2.2.13).
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Bytes to the program. A write settles when the send queue has room; the chunk belongs to the flow from then on.
   * Close sends FIN, abort sends RST.
   */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Settles when the connection has ended. */
  readonly closed: Promise<FlowEnd>;
}

/** A program's SYN that waits for an answer. */
export interface FlowRequest {
  /** The id that the flow will have. */
  readonly id: number;
  /** The transport. */
  readonly protocol: "tcp";
  /** The program's end. */
  readonly source: SocketAddress;
  /** Where the program wants to go. */
  readonly destination: SocketAddress;
  /** Aborted when the program gives up, or when nobody answered in time. */
  readonly signal: AbortSignal;
  /** Lets the SYN-ACK leave. */
  accept(): Flow;
  /** Gives the program the answer that `outcome` carries. */
  refuse(outcome: Pick<Outcome, "refusal">): void;
}

/**
 * What a flow looks like from outside: types only, so that the relay, a policy and a user's own code depend on nothing else.
 *
 * @module
 */

import type { ByteEnd } from "../byte_end.ts";
import type { Outcome, Refusal } from "../outcome.ts";
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
export interface TcpFlow {
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
  /** The same two directions as calls, for whoever carries them on; in place of both streams. */
  readonly bytes?: ByteEnd<FlowEnd>;
  /** Settles when the connection has ended. */
  readonly closed: Promise<FlowEnd>;
}

/** How an association ended. Never a rejection: an end is a fact. */
export interface UdpFlowEnd {
  /**
   * `finished`: it was ended here. `idle`: the program sent nothing for as long as an association lives, five minutes unless `Limits` say
   * otherwise. `displaced`: there were too many, and this one had been silent longest.
   */
  readonly reason: "finished" | "idle" | "displaced";
  /** Bytes of payload from the program. */
  readonly outboundBytes: number;
  /** Bytes of payload to the program. */
  readonly inboundBytes: number;
  /** Datagrams of both directions that were lost here. */
  readonly dropped: number;
}

/**
 * A UDP association: the datagrams between one port of a program and one destination.
 *
 * `send` and `receive` are the batch path, as a UDP tunnel has it: no promise and no object for a datagram, and what is sent in one turn of
 * the event loop may leave in one frame.
 */
export interface UdpFlow {
  /** Counts from 1 in each stack, together with TCP. */
  readonly id: number;
  /** The transport; a program tells its kinds of flows apart by it. */
  readonly protocol: "udp";
  /** The program's end. */
  readonly source: SocketAddress;
  /** Where the program wants to go. */
  readonly destination: SocketAddress;
  /**
   * One chunk a datagram of the program. Closes when the association ends, and what waits then is gone; cancel ends it. What nobody reads
   * waits up to a bound, and the oldest is dropped then.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * One chunk a datagram to the program; a write settles at once, and the chunk is copied. Close ends the association; abort does so with a
   * port unreachable to the program.
   */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Settles when the association has ended. The program's next datagram is a new request. */
  readonly closed: Promise<UdpFlowEnd>;
  /** Sends one datagram to the program, of 0 to 65,507 bytes over IPv4 and 65,527 over IPv6; it is copied before this returns. */
  send(payload: Uint8Array): void;
  /**
   * The same from somebody else than `destination`, to whom the program need not have written: for whoever holds one port for all that a
   * program's port talks to. Whom no datagram can come from is counted as a drop.
   */
  sendFrom(from: SocketAddress, payload: Uint8Array): void;
  /** From now on hands over datagrams of the program as they come, in place of `readable`. The bytes are used again once `taker` returns. */
  receive(taker: (payload: Uint8Array) => void): void;
  /** Ends the association. With `refusal` the program hears that as an ICMP error. Closing twice does nothing. */
  close(refusal?: Refusal): void;
}

/** One of both; `protocol` tells them apart. The streams of both can be piped into the tunnels of their kind. */
export type Flow = TcpFlow | UdpFlow;

/** What a program wants, until somebody answers: a flow of one kind. */
export interface RequestFor<F extends Flow> {
  /** The id that the flow will have. */
  readonly id: number;
  /** The transport. */
  readonly protocol: F["protocol"];
  /** The program's end. */
  readonly source: SocketAddress;
  /** Where the program wants to go. */
  readonly destination: SocketAddress;
  /** Aborted when the program gives up, or when nobody answered in time. */
  readonly signal: AbortSignal;
  /** Says yes: the SYN-ACK may leave, the datagrams that wait can be read. */
  accept(): F;
  /** Gives the program the answer that `outcome` carries. A `reset` is a port unreachable to a UDP program. */
  refuse(outcome: Pick<Outcome, "refusal">): void;
}

/** A program's SYN that waits for an answer. */
export type TcpFlowRequest = RequestFor<TcpFlow>;

/** The first datagram of an association, which waits for an answer. Those behind it wait too, up to a bound. */
export type UdpFlowRequest = RequestFor<UdpFlow>;

/** One of both; `protocol` tells them apart. */
export type FlowRequest = TcpFlowRequest | UdpFlowRequest;

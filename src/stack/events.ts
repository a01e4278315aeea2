/**
 * What the stack tells its owner.
 *
 * @module
 */

import type { EndReason } from "../tcp/tcb.ts";

/** One end of a flow. */
export interface SocketAddress {
  /** An IPv4 or IPv6 address in text, without brackets. */
  readonly hostname: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** A program's SYN, or the first datagram of an association, waits for `accept` or `refuse`. */
export interface RequestEvent {
  readonly type: "request";
  readonly protocol: "tcp" | "udp";
  readonly id: number;
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

/**
 * - `opened`: the handshake is complete.
 * - `readable`: a read that found nothing may look again; of UDP, too.
 * - `writable`: a writer that was told to wait may go on.
 */
export interface FlowEvent {
  readonly type: "opened" | "readable" | "writable";
  readonly id: number;
}

/** A TCP flow, or a request that nobody had answered, is over. */
export interface EndedEvent {
  readonly type: "ended";
  readonly id: number;
  readonly reason: EndReason;
  /** Bytes from the program. */
  readonly outboundBytes: number;
  /** Bytes to the program that it acknowledged. */
  readonly inboundBytes: number;
}

/**
 * Why an association is over.
 *
 * - `finished`: it was ended here, or refused.
 * - `idle`: the program sent nothing for as long as it lives.
 * - `displaced`: all places were taken, and this one had been silent longest.
 */
export type AssociationEndReason = "finished" | "idle" | "displaced";

/** An association, or a request for one that nobody had answered, is over. */
export interface AssociationEndedEvent {
  readonly type: "association-ended";
  readonly id: number;
  readonly reason: AssociationEndReason;
  /** Bytes of payload from the program. */
  readonly outboundBytes: number;
  /** Bytes of payload to the program. */
  readonly inboundBytes: number;
  /** Datagrams of both directions that were lost here. */
  readonly dropped: number;
}

/** A UDP datagram to one of the ports that the owner asked for. */
export interface DatagramEvent {
  readonly type: "datagram";
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** A packet that came here for want of a better place, and belongs to another of the stacks that share the device. */
export interface StrayEvent {
  readonly type: "stray";
  /** The number of that stack; undefined when it may be any of the others. */
  readonly owner: number | undefined;
  /** The frame, for the other's `handlePacket`. */
  readonly frame: Uint8Array<ArrayBuffer>;
}

/** One of them. */
export type StackEvent =
  | RequestEvent
  | FlowEvent
  | EndedEvent
  | AssociationEndedEvent
  | DatagramEvent
  | StrayEvent;

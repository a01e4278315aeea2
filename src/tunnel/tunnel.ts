/**
 * Where a flow goes: the one interface that every road to a proxy has, and that a user's own can have too.
 *
 * @module
 */

import type { ByteEnd } from "../byte_end.ts";
import type { Outcome } from "../outcome.ts";

/** Where a tunnel shall lead: a name that the proxy resolves, or an IP address without brackets, and a port. */
export interface Target {
  /** A DNS name, an IPv4 or an IPv6 address in text. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** What a call to {@linkcode ProxyClient.connect} or {@linkcode ProxyClient.connectUdp} may say. */
export interface ConnectOptions {
  /** Gives the attempt up; once the tunnel is there, aborts it. */
  readonly signal?: AbortSignal;
  /** Says that `signal` means nothing any more once the proxy has answered, so that a tunnel need not listen to it. */
  readonly isSignalBrief?: boolean;
  /** Further header fields of the request. */
  readonly headers?: HeadersInit;
}

/** How a tunnel ended. Never a rejection: an end is a fact. */
export interface TunnelEnd {
  /** `finished`: both directions ended in order. `reset`: either side broke it off. */
  readonly reason: "finished" | "reset";
  /** One sentence for the operator, empty when all went well. */
  readonly detail: string;
}

/** A tunnel that stands: the proxy answered 2xx. */
export interface OpenTunnel {
  /** The proxy answered 2xx. */
  readonly ok: true;
  /** The status of the proxy's answer. */
  readonly status: number;
  /** The header fields of the proxy's answer. */
  readonly headers: Headers;
  /** Bytes from the origin. Closes on the origin's FIN, errors when the tunnel is reset; cancel resets it. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes to the origin. Close sends the FIN, abort resets the tunnel; a write settles once the bytes have left. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** The same two directions as calls, for whoever carries them on; in place of both streams. Absent where there are only streams. */
  readonly bytes?: ByteEnd<TunnelEnd>;
  /** Settles when both directions have ended. */
  readonly closed: Promise<TunnelEnd>;
}

/** A tunnel that the proxy refused. */
export interface RefusedTunnel {
  /** The proxy answered something else. */
  readonly ok: false;
  /** The status of the proxy's answer. */
  readonly status: number;
  /** The header fields of the proxy's answer. */
  readonly headers: Headers;
  /** What it means, and what the program is told. */
  readonly outcome: Outcome;
}

/** What the proxy answered. */
export type TunnelResponse = OpenTunnel | RefusedTunnel;

/** Datagrams lost here so far, by reason. UDP may lose, and late is worse than lost: so queues drop their oldest, and nobody waits. */
export interface UdpDrops {
  /** To the origin: the way to the proxy was full or gone, or the payload is longer than UDP has them. */
  readonly outbound: number;
  /** From the origin: nobody took them in time. */
  readonly inbound: number;
  /** From the proxy: of a context that nobody opened, or without a whole Context ID (RFC 9298, section 4). */
  readonly unknownContext: number;
}

/** What both kinds of UDP tunnels have. `D` is a datagram as it comes, `O` one to send. */
export interface DatagramTunnel<D, O> {
  /** The proxy opened the tunnel. */
  readonly ok: true;
  /** The status of the proxy's answer. */
  readonly status: number;
  /** The header fields of the proxy's answer. */
  readonly headers: Headers;
  /**
   * One chunk a datagram. Closes when the proxy ends the tunnel, errors when it is reset; cancel resets it.
   * What nobody reads waits up to a bound, and the oldest is dropped then.
   */
  readonly readable: ReadableStream<D>;
  /** One chunk a datagram; a write settles at once. Close ends the tunnel behind what was written, abort resets it. */
  readonly writable: WritableStream<O>;
  /** Lost datagrams. */
  readonly drops: UdpDrops;
  /** Settles when the tunnel has ended. */
  readonly closed: Promise<TunnelEnd>;
  /** Ends the tunnel behind what was sent. Closing twice does nothing. */
  close(): void;
}

/**
 * A tunnel for UDP to one target: the proxy answered 101 over HTTP/1.1, or 2xx.
 *
 * `send` and `receive` are the batch path: no promise and no object for a datagram, and what is sent in one turn of the event loop leaves
 * in one write.
 */
export interface OpenUdpTunnel
  extends DatagramTunnel<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBufferLike>> {
  /** Sends one payload of 0 to 65,527 bytes; it is copied before this returns. */
  send(payload: Uint8Array): void;
  /** From now on hands over datagrams as they come, in place of `readable`. */
  receive(taker: DatagramTaker): void;
}

/** Takes datagrams in the turn in which they come. */
export interface DatagramTaker {
  /** One datagram. The bytes are the tunnel's again once this returns. */
  datagram(payload: Uint8Array<ArrayBuffer>): void;
  /** No further one for the moment. */
  batchEnd?(): void;
}

/** What the proxy answered. An `outcome` whose refusal is `reset` means a port unreachable to a UDP program. */
export type UdpTunnelResponse = OpenUdpTunnel | RefusedTunnel;

/** A datagram of a bound tunnel. */
export interface BoundDatagram {
  /** 0 to 65,527 bytes. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Whom it comes from or goes to: an IP address, never a name. */
  readonly peer: Target;
}

/**
 * A UDP port at the proxy, for any number of peers (draft-ietf-masque-connect-udp-listen): every peer sees the same address, whoever it is,
 * which is what games, calls and WebRTC need.
 */
export interface BoundUdpTunnel extends DatagramTunnel<BoundDatagram, BoundDatagram> {
  /** Where peers see this tunnel; the address families named here are those that can be reached. */
  readonly publicAddresses: readonly Target[];
  /** Sends one payload to `peer`; it is copied before this returns. Throws a `TypeError` when `peer` is no IP address and port. */
  send(payload: Uint8Array, peer: Target): void;
  /** From now on hands over datagrams as they come, in place of `readable`. */
  receive(taker: BoundDatagramTaker): void;
}

/** Takes datagrams in the turn in which they come. */
export interface BoundDatagramTaker {
  /** One datagram. The bytes are the tunnel's again once this returns; equal peers may be one object. */
  datagram(payload: Uint8Array<ArrayBuffer>, peer: Target): void;
  /** No further one for the moment. */
  batchEnd?(): void;
}

/** What the proxy answered. */
export type BoundUdpResponse = BoundUdpTunnel | RefusedTunnel;

/** A way to a proxy. It may hold connections open; `close` ends them all. */
export interface ProxyClient extends AsyncDisposable {
  /** The proxy in words for the operator, without secrets, for instance `https://proxy.example (HTTP/2)`. */
  readonly description: string;
  /**
   * Asks for a tunnel to `target`. Settles as `fetch` does: with the proxy's answer as soon as it is there, good or bad.
   * Rejects with a `ProxyError` only when there was no answer, and with the signal's reason when that was aborted.
   */
  connect(target: Target, options?: ConnectOptions): Promise<TunnelResponse>;
  /** The same for UDP: settles with the proxy's answer, or with `udp_unsupported` where the proxy cannot even be asked. */
  connectUdp(target: Target, options?: ConnectOptions): Promise<UdpTunnelResponse>;
  /**
   * Asks for a UDP port at the proxy. `udp_unsupported` where the proxy offers none; absent where the road knows of none.
   */
  bindUdp?(options?: ConnectOptions): Promise<BoundUdpResponse>;
  /** Ends all connections; open tunnels are reset. Closing twice does nothing. */
  close(): Promise<void>;
}

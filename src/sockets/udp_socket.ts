/**
 * What a UDP socket is, for the embedded proxy and for the road without a proxy; `open.ts` chooses a kind. Never in this room: HTTP, queues of
 * our own.
 *
 * @module
 */

/** An address of 4 or 16 bytes, and a port. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Why a connected socket is of no more use, in the words of errno: `ECONNREFUSED`, `EHOSTUNREACH`, ... */
export type SocketFailure = string;

/** A socket that is open. What the kernel cannot take at once is lost, as UDP may lose it. */
export interface UdpSocket {
  /** Where it is bound. */
  readonly local: Endpoint;
  /** Datagrams that the kernel did not take: no room, or too long for the way. */
  readonly drops: number;
  /** Sends one datagram; `to` is for a socket that is not connected. */
  send(payload: Uint8Array, to?: Endpoint): void;
  /** Closes it; settles once nothing of it is left. Closing twice does nothing. */
  close(): Promise<void>;
}

/** What a socket tells its owner, never from within a call of the owner's. */
export interface UdpSocketEvents {
  /** A datagram. The bytes are the socket's again once this returns. `from` only when the socket is not connected. */
  datagram(payload: Uint8Array<ArrayBuffer>, from?: Endpoint): void;
  /** No further one for the moment. */
  batchEnd(): void;
  /** The kernel says that the socket leads nowhere (an ICMP error, for one). The owner closes it. */
  failed(failure: SocketFailure): void;
}

/** How to open a socket: connected to one peer, or bound to an address for all. */
export type SocketPlan = { readonly remote: Endpoint } | { readonly bind: Endpoint };

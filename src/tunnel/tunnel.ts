/**
 * Where a flow goes: the one interface that every road to a proxy has, and that a user's own can have too.
 *
 * @module
 */

import type { Outcome } from "../outcome.ts";

/** Where a tunnel shall lead: a name that the proxy resolves, or an IP address without brackets, and a port. */
export interface Target {
  /** A DNS name, an IPv4 or an IPv6 address in text. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** What a call to {@linkcode ProxyClient.connect} may say. */
export interface ConnectOptions {
  /** Gives the attempt up; once the tunnel is there, aborts it. */
  readonly signal?: AbortSignal;
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

/** A way to a proxy. It may hold connections open; `close` ends them all. */
export interface ProxyClient extends AsyncDisposable {
  /** The proxy in words for the operator, without secrets, for instance `https://proxy.example (HTTP/2)`. */
  readonly description: string;
  /**
   * Asks for a tunnel to `target`. Settles as `fetch` does: with the proxy's answer as soon as it is there, good or bad.
   * Rejects with a `ProxyError` only when there was no answer, and with the signal's reason when that was aborted.
   */
  connect(target: Target, options?: ConnectOptions): Promise<TunnelResponse>;
  /** Ends all connections; open tunnels are reset. Closing twice does nothing. */
  close(): Promise<void>;
}

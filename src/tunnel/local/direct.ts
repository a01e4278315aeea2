/**
 * The road without a proxy: straight to the target. For tests, for benchmarks, and for flows that a policy lets pass.
 *
 * @module
 */

import { formatAuthority } from "../../masque/authority.ts";
import type { Outcome, OutcomeKind, Refusal } from "../../outcome.ts";
import type { Connection } from "../connection/connection.ts";
import { dial } from "../connection/dial.ts";
import { directUdp } from "./direct_udp.ts";
import { DuplexTunnel } from "../duplex/duplex_tunnel.ts";
import { Link } from "../duplex/link.ts";
import type {
  ConnectOptions,
  OpenUdpTunnel,
  ProxyClient,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";

/** What the kernel and the resolver say, and what the program is told. */
const FAILURES: Readonly<Record<string, readonly [OutcomeKind, Refusal]>> = {
  ECONNREFUSED: ["connection_refused", "reset"],
  ECONNRESET: ["connection_terminated", "reset"],
  EHOSTUNREACH: ["destination_ip_unroutable", "host-unreachable"],
  ENETUNREACH: ["destination_ip_unroutable", "network-unreachable"],
  EACCES: ["destination_ip_prohibited", "prohibited"],
  EPERM: ["destination_ip_prohibited", "prohibited"],
  ENOTFOUND: ["dns_error", "host-unreachable"],
  EAI_AGAIN: ["dns_timeout", "host-unreachable"],
  ETIMEDOUT: ["connection_timeout", "host-unreachable"],
};

/** As long as Linux tries by itself, about (`tcp_syn_retries` 6), so that the program's own deadline comes first. */
const CONNECT_TIMEOUT_MS = 120_000;

/** Connects straight to each target. */
export class DirectClient implements ProxyClient {
  readonly description: string = "direct";
  readonly #closing = new AbortController();
  readonly #open = new Set<Connection>();
  readonly #openUdp = new Set<OpenUdpTunnel>();

  /** Connects to the target itself. A connection that fails is a refusal with status 0. */
  async connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const authority = formatAuthority(target.hostname, target.port);
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    let connection: Connection;
    try {
      connection = await dial(target, { signal, timeoutMs: CONNECT_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, status: 0, headers: new Headers(), outcome: failure(error, authority) };
    }
    this.#open.add(connection);
    connection.socket.once("close", () => this.#open.delete(connection));
    const link = new Link(connection, undefined, signal);
    return new DuplexTunnel(connection.socket, 200, new Headers(), link);
  }

  /** Opens a socket to the target itself. A name that does not resolve, or no way there, is a refusal with status 0. */
  async connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const authority = formatAuthority(target.hostname, target.port);
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    signal.throwIfAborted();
    try {
      const tunnel = await directUdp(target, signal);
      this.#openUdp.add(tunnel);
      void tunnel.closed.then(() => this.#openUdp.delete(tunnel));
      return tunnel;
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, status: 0, headers: new Headers(), outcome: failure(error, authority) };
    }
  }

  /** Resets every open connection. */
  async close(): Promise<void> {
    const gone = [...this.#open].map(({ socket }) => {
      return new Promise((resolve) => socket.once("close", resolve));
    });
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    for (const connection of this.#open) connection.reset();
    await Promise.all([...gone, ...[...this.#openUdp].map((tunnel) => tunnel.closed)]);
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function failure(error: unknown, authority: string): Outcome {
  const { code = "", message } = error as Error & { code?: string };
  const [kind, refusal] = FAILURES[code] ?? ["connection_refused", "reset"];
  return { kind, refusal, status: 0, detail: `Could not connect to ${authority}: ${message}` };
}

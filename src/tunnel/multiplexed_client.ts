/**
 * What the roads over HTTP/2 and HTTP/3 share: a pool of connections, each with many flows.
 *
 * @module
 */

import { ProxyError } from "../errors.ts";
import { formatAuthority } from "../masque/authority.ts";
import { CONNECT_UDP_BIND } from "../masque/bind_capsules.ts";
import { unanswered } from "../masque/outcome.ts";
import { tcpConnectFields, tcpResource } from "../masque/tcp_request.ts";
import { ANY_TARGET, udpConnectFields, udpResource } from "../masque/udp_request.ts";
import {
  type Answered,
  respond,
  respondBound,
  respondTcp,
  respondUdp,
  withoutTcp,
  withoutUdp,
} from "./answer.ts";
import type { Connection } from "./connection/connection.ts";
import { H1Client } from "./h1/client.ts";
import { Pool, type PoolMember } from "./pool.ts";
import type { Reach } from "./road/reach.ts";
import type { RoadOptions, VersionClient } from "./road/version_client.ts";
import { noAnswer, type ProxySettings, requestFields } from "./settings.ts";
import type {
  BoundUdpResponse,
  RefusedTunnel,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "./tunnel.ts";

/** How often a request that the proxy surely did not act on is sent again. */
const MAX_ATTEMPTS = 3;

/** The proxy has surely not acted on the request: it may be sent again on another connection (RFC 9113, section 8.7; RFC 9114, section 5.2). */
export const UNPROCESSED = Symbol("unprocessed");

/** A request, and what to make of its answer. */
export interface Exchange<T> {
  /** Pseudo-header fields and fields. */
  readonly fields: readonly (readonly [string, string])[];
  /** Called in the very turn in which the head came; throws when no tunnel can be made of it. */
  respond(answered: Answered): T;
}

/** What a connection tells its owner. */
export interface SessionEvents<S> {
  /** It takes no more flows; open ones go on. Called once. */
  onRetired(session: S): void;
  /** A flow ended. */
  onReleased(session: S): void;
  /** It says nothing, not even when asked, and is given up with its flows. */
  onSilent(session: S): void;
}

/** One connection of many flows. */
export interface FlowSession extends PoolMember {
  /** Whether the connection is gone, and every stream with it. */
  readonly isBroken: boolean;
  /** Whether the peer takes extended CONNECT; without that, `:protocol` would be a malformed request. */
  readonly takesProtocols: boolean;
  /** Gives a reserved stream back unused. */
  release(): void;
  /** Takes no more flows. Those that are open end at once when `isLost`, and are asked at once whether they live otherwise. */
  renew(isLost: (connection: Pick<Connection, "localAddress">) => boolean): void;
  /** Asks for a tunnel on a reserved stream. Settles as {@linkcode ProxyClient.connect} does. */
  request<T>(
    exchange: Exchange<T>,
    signal: AbortSignal,
    onSilence?: RoadOptions["onSilence"],
  ): Promise<T | typeof UNPROCESSED>;
}

/** What differs between the versions. */
export interface Multiplexing<S> {
  readonly version: "3" | "2";
  /** Opens a connection. Rejects with a `ProxyError`, or with the signal's reason. */
  open(events: SessionEvents<S>, signal: AbortSignal): Promise<S>;
}

/** A way to a proxy over one version of HTTP. */
export class MultiplexedClient<S extends FlowSession> implements VersionClient {
  readonly version: "3" | "2";
  readonly description: string;
  readonly #proxy: ProxySettings;
  readonly #reach: Reach;
  readonly #closing = new AbortController();
  readonly #pool: Pool<S>;
  readonly #openOne: () => Promise<S>;
  #http1: H1Client | undefined;

  /** Without a connection yet: the first flow opens one, or {@linkcode start} does. */
  constructor(proxy: ProxySettings, reach: Reach, { version, open }: Multiplexing<S>) {
    this.#proxy = proxy;
    this.#reach = reach;
    this.version = version;
    this.description = `${proxy.name} (HTTP/${version})`;
    const events: SessionEvents<S> = {
      onRetired: (session) => this.#pool.remove(session),
      onReleased: (session) => this.#pool.released(session),
      onSilent: ({ active }) => reach.events.onSilent?.(version, active),
    };
    this.#openOne = () => open(events, this.#closing.signal);
    this.#pool = new Pool(this.#openOne, () => {
      const detail = `The proxy ${proxy.name} takes no more tunnels: every connection is full`;
      return new ProxyError(unanswered("connection_limit_reached", detail));
    });
  }

  /** Opens the first connection. Rejects with a `ProxyError`. */
  async start(): Promise<void> {
    this.#pool.add(await this.#openOne());
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#pool.size;
  }

  /** Asks for a tunnel, see {@linkcode ProxyClient.connect}. */
  connect(target: Target, options: RoadOptions = {}): Promise<TunnelResponse> {
    return this.#exchange(options, (fields) => {
      const authority = formatAuthority(target.hostname, target.port);
      const { tcp, scheme } = this.#proxy;
      if (tcp === undefined) {
        return {
          fields: [[":method", "CONNECT"], [":authority", authority], ...fields],
          respond: (answered) => respond(answered, authority),
        };
      }
      return {
        fields: tcpConnectFields(scheme, tcpResource(tcp.template, target), fields),
        respond: (answered) => respondTcp(answered, "connect", authority, this.#proxy),
        unless: ({ takesProtocols }) =>
          takesProtocols ? undefined : withoutTcp(authority, this.#whyNoProtocols),
      };
    });
  }

  /** Asks for a UDP tunnel, see {@linkcode ProxyClient.connectUdp}. */
  async connectUdp(target: Target, options: RoadOptions = {}): Promise<UdpTunnelResponse> {
    formatAuthority(target.hostname, target.port);
    if (this.#proxy.udp.draft03) return await this.#older().connectUdp(target, options);
    return await this.#extended<UdpTunnelResponse>(target, options, [], (answered) => {
      return respondUdp(answered, "connect", target, this.#proxy);
    });
  }

  /** Asks for a UDP port at the proxy, see {@linkcode ProxyClient.bindUdp}. */
  async bindUdp(options: RoadOptions = {}): Promise<BoundUdpResponse> {
    if (this.#proxy.udp.draft03) return await this.#older().bindUdp(options);
    const extra = [CONNECT_UDP_BIND];
    return await this.#extended<BoundUdpResponse>(ANY_TARGET, options, extra, (answered) => {
      return respondBound(answered, "connect", this.#proxy);
    });
  }

  /** Takes new connections from now on, see {@linkcode VersionClient.renew}. */
  renew(isLost: (connection: Pick<Connection, "localAddress">) => boolean): void {
    for (const session of this.#pool.members) session.renew(isLost);
    this.#http1?.renew(isLost);
  }

  /** Opens a connection for the next flow, see {@linkcode VersionClient.warm}. */
  async warm(signal: AbortSignal): Promise<void> {
    const session = await this.#pool.take(AbortSignal.any([signal, this.#closing.signal]));
    session.release();
  }

  /** Ends all connections; open tunnels are reset. */
  async close(): Promise<void> {
    const reason = new DOMException("The client was closed", "AbortError");
    this.#closing.abort(reason);
    await Promise.all([this.#pool.close(reason), this.#http1?.close()]);
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #extended<T>(
    target: Target | typeof ANY_TARGET,
    options: RoadOptions,
    extra: readonly (readonly [string, string])[],
    respond: (answered: Answered) => T,
  ): Promise<T | RefusedTunnel> {
    const { udp, scheme } = this.#proxy;
    const own = udpConnectFields(scheme, udpResource(udp.template, target));
    return this.#exchange<T | RefusedTunnel>(options, (fields) => ({
      fields: [...own, ...fields, ...extra],
      respond,
      // RFC 8441, section 3, and RFC 9220: not before the peer has allowed it.
      unless: ({ takesProtocols }) =>
        takesProtocols ? undefined : withoutUdp(target, this.#whyNoProtocols),
    }));
  }

  get #whyNoProtocols(): string {
    const rfc = this.version === "2" ? 8441 : 9220;
    return `its SETTINGS do not allow extended CONNECT, RFC ${rfc}`;
  }

  async #exchange<T>(
    options: RoadOptions,
    plan: (fields: readonly (readonly [string, string])[]) => Plan<T>,
  ): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const exchange = plan(requestFields(this.#proxy, options.headers));
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    signal.throwIfAborted();
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const session = await this.#pool.take(signal);
      const instead = exchange.unless?.(session);
      if (instead !== undefined) {
        session.release();
        return instead;
      }
      try {
        const response = await session.request(exchange, signal, options.onSilence);
        if (response !== UNPROCESSED) return response;
      } catch (error) {
        // It died with the request under way. Not a byte of the program had left, so asking again does no harm.
        if (attempt === MAX_ATTEMPTS || signal.aborted || !session.isBroken) throw error;
      }
    }
    const why = `it put the request off ${MAX_ATTEMPTS} times`;
    throw noAnswer(this.#proxy, "proxy_unreachable", why);
  }

  /** Draft 03 goes over HTTP/1.1 whatever the rest does, as the proxies that know it expect. */
  #older(): H1Client {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    return this.#http1 ??= new H1Client(this.#proxy, undefined, this.#reach);
  }
}

/** An exchange that some connections cannot carry. */
interface Plan<T> extends Exchange<T> {
  /** The response to give without asking, where there is no use in asking. */
  unless?(session: FlowSession): T | undefined;
}

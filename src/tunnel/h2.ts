/**
 * The road over HTTP/2: a pool of connections, each with many flows.
 *
 * @module
 */

import { ProxyError } from "../errors.ts";
import { formatAuthority } from "../masque/authority.ts";
import { CONNECT_UDP_BIND } from "../masque/bind_capsules.ts";
import { unanswered } from "../masque/outcome.ts";
import { ANY_TARGET, udpConnectFields, udpResource } from "../masque/udp_request.ts";
import { type Answered, respond, respondBound, respondUdp, withoutUdp } from "./answer.ts";
import { alpnOf, type Connection } from "./connection.ts";
import { H1Client } from "./h1.ts";
import { type Exchange, H2Session, type SessionEvents, UNPROCESSED } from "./h2_session.ts";
import { Pool } from "./pool.ts";
import { Reach } from "./road/reach.ts";
import type { VersionClient } from "./road/version_client.ts";
import { noAnswer, type ProxySettings, requestFields, unreachable } from "./settings.ts";
import type {
  BoundUdpResponse,
  ConnectOptions,
  RefusedTunnel,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "./tunnel.ts";

/** How often a request that the proxy surely did not act on is sent again. */
const MAX_ATTEMPTS = 3;

/** A way to a proxy over HTTP/2. */
export class H2Client implements VersionClient {
  readonly version = "2";
  readonly description: string;
  readonly #proxy: ProxySettings;
  readonly #reach: Reach;
  readonly #closing = new AbortController();
  readonly #pool: Pool<H2Session>;
  #http1: H1Client | undefined;
  readonly #events: SessionEvents = {
    onRetired: (session) => this.#pool.remove(session),
    onReleased: (session) => this.#pool.released(session),
  };

  /** Without a connection yet: {@linkcode H2Client.over} brings the first one. */
  constructor(proxy: ProxySettings, reach: Reach = new Reach(proxy)) {
    this.#proxy = proxy;
    this.#reach = reach;
    this.description = `${proxy.name} (HTTP/2)`;
    this.#pool = new Pool(() => this.#open(), () => {
      const detail = `The proxy ${proxy.name} takes no more tunnels: every connection is full`;
      return new ProxyError(unanswered("connection_limit_reached", detail));
    });
  }

  /** A client whose first connection is `first`. Rejects with a `ProxyError` when the other side does not speak HTTP/2. */
  static async over(first: Connection, proxy: ProxySettings, reach?: Reach): Promise<H2Client> {
    const client = new H2Client(proxy, reach);
    client.#pool.add(await client.#speak(first));
    return client;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#pool.size;
  }

  /** Asks for a tunnel, see {@linkcode ProxyClient.connect}. */
  connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    return this.#exchange(options, (fields) => {
      const authority = formatAuthority(target.hostname, target.port);
      return {
        fields: [[":method", "CONNECT"], [":authority", authority], ...fields],
        respond: (answered) => respond(answered, authority),
      };
    });
  }

  /** Asks for a UDP tunnel, see {@linkcode ProxyClient.connectUdp}. */
  async connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    formatAuthority(target.hostname, target.port);
    if (this.#proxy.udp.draft03) return await this.#older().connectUdp(target, options);
    return await this.#extended<UdpTunnelResponse>(target, options, [], (answered) => {
      return respondUdp(answered, "connect", target, this.#proxy);
    });
  }

  /** Asks for a UDP port at the proxy, see {@linkcode ProxyClient.bindUdp}. */
  async bindUdp(options: ConnectOptions = {}): Promise<BoundUdpResponse> {
    if (this.#proxy.udp.draft03) return await this.#older().bindUdp(options);
    const extra = [CONNECT_UDP_BIND];
    return await this.#extended<BoundUdpResponse>(ANY_TARGET, options, extra, (answered) => {
      return respondBound(answered, "connect", this.#proxy);
    });
  }

  /** Takes new connections from now on, see {@linkcode VersionClient.renew}. */
  renew(isLost: (connection: Connection) => boolean): void {
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
    options: ConnectOptions,
    extra: readonly (readonly [string, string])[],
    respond: (answered: Answered) => T,
  ): Promise<T | RefusedTunnel> {
    const { udp, scheme } = this.#proxy;
    const own = udpConnectFields(scheme, udpResource(udp.template, target));
    return this.#exchange<T | RefusedTunnel>(options, (fields) => ({
      fields: [...own, ...fields, ...extra],
      respond,
      // RFC 8441, section 3: not before the peer has allowed it.
      unless: ({ takesProtocols }) =>
        takesProtocols
          ? undefined
          : withoutUdp(target, "its SETTINGS do not allow extended CONNECT, RFC 8441"),
    }));
  }

  async #exchange<T>(
    options: ConnectOptions,
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
        const response = await session.request(exchange, signal);
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

  async #open(): Promise<H2Session> {
    return await this.#speak(await this.#reach.dial(["h2"], this.#closing.signal));
  }

  async #speak(connection: Connection): Promise<H2Session> {
    if (this.#proxy.scheme === "https" && alpnOf(connection) !== "h2") {
      connection.reset();
      throw unreachable(
        this.#proxy,
        new Error("it does not offer HTTP/2 by ALPN; ask for http 1.1"),
      );
    }
    try {
      return await H2Session.open(connection, this.#proxy, this.#events);
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      throw error instanceof ProxyError ? error : unreachable(this.#proxy, error);
    }
  }
}

/** An exchange that some connections cannot carry. */
interface Plan<T> extends Exchange<T> {
  /** The response to give without asking, where there is no use in asking. */
  unless?(session: H2Session): T | undefined;
}

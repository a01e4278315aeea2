/**
 * The road over HTTP/1.1: one connection a tunnel, which becomes the tunnel after the 2xx (RFC 9110, section 9.3.6).
 *
 * No byte of the program leaves before the 2xx (RFC 9931): the streams do not exist until then.
 *
 * In the clear a proxy that is killed looks like an origin that ended, because both are a FIN; TLS and HTTP/2 tell them apart.
 *
 * @module
 */

import { formatAuthority } from "../../masque/authority.ts";
import { CONNECT_UDP_BIND } from "../../masque/bind_capsules.ts";
import { encodeConnect } from "../../masque/h1_request.ts";
import { type HeadProgress, ResponseHeadParser } from "../../masque/h1_response.ts";
import { encodeTcpUpgrade, tcpResource } from "../../masque/tcp_request.ts";
import {
  ANY_TARGET,
  encodeUdpDraft03,
  encodeUdpUpgrade,
  udpResource,
} from "../../masque/udp_request.ts";
import {
  type Answered,
  respond,
  respondBound,
  respondTcp,
  respondUdp,
  withoutUdp,
} from "../answer.ts";
import type { Connection } from "../connection/connection.ts";
import { Link } from "../duplex/link.ts";
import { plain } from "../duplex/duplex_tunnel.ts";
import { Reach } from "../road/reach.ts";
import { SilenceWatch } from "../road/silence.ts";
import type { VersionClient } from "../road/version_client.ts";
import { noAnswer, type ProxySettings, requestFields, whyBroken } from "../settings.ts";
import type {
  BoundUdpResponse,
  ConnectOptions,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";

/** How long a connection may wait for its first request: proxies begin to close silent ones after 5 s. */
const SPARE_LIFETIME_MS = 4_000;

/** What the connections agree on in TLS. */
const ALPN = ["http/1.1"];

/** A way to a proxy over HTTP/1.1. */
export class H1Client implements VersionClient {
  readonly version = "1.1";
  readonly description: string;
  readonly #proxy: ProxySettings;
  readonly #reach: Reach;
  readonly #silence: SilenceWatch;
  readonly #closing = new AbortController();
  /** Open connections, so that `close` ends them: one a flow, so bounded by whoever bounds the flows. */
  readonly #open = new Set<Connection>();
  #spare: { readonly connection: Connection; readonly since: number } | undefined;

  /** `first` is a connection that stands already and serves the first request. */
  constructor(proxy: ProxySettings, first?: Connection, reach: Reach = new Reach(proxy)) {
    this.#proxy = proxy;
    this.#reach = reach;
    this.#silence = new SilenceWatch(
      proxy,
      (signal) => reach.probe(ALPN, signal),
      (tunnels) => reach.events.onSilent?.("1.1", tunnels),
    );
    this.description = `${proxy.name} (HTTP/1.1)`;
    if (first !== undefined) this.#keep(first);
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#open.size;
  }

  /** Asks for a tunnel, see {@linkcode ProxyClient.connect}. */
  connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    return this.#exchange(options, (fields) => {
      const authority = formatAuthority(target.hostname, target.port);
      const { tcp } = this.#proxy;
      return tcp === undefined
        ? {
          request: encodeConnect(authority, fields),
          respond: (answered) => respond(answered, authority),
        }
        : {
          request: encodeTcpUpgrade(tcpResource(tcp.template, target), fields),
          upgrade: true,
          respond: (answered) => respondTcp(answered, "upgrade", authority, this.#proxy),
        };
    });
  }

  /** Asks for a UDP tunnel, see {@linkcode ProxyClient.connectUdp}. */
  connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    const { template, draft03 } = this.#proxy.udp;
    return this.#exchange<UdpTunnelResponse>(options, (fields) =>
      draft03
        ? {
          request: encodeUdpDraft03(formatAuthority(target.hostname, target.port), fields),
          respond: (answered) => respondUdp(answered, "draft-03", target, this.#proxy),
        }
        : {
          request: encodeUdpUpgrade(udpResource(template, target), fields),
          upgrade: true,
          respond: (answered) => respondUdp(answered, "upgrade", target, this.#proxy),
        });
  }

  /** Asks for a UDP port at the proxy, see {@linkcode ProxyClient.bindUdp}. */
  async bindUdp(options: ConnectOptions = {}): Promise<BoundUdpResponse> {
    const { template, draft03 } = this.#proxy.udp;
    if (draft03) return withoutUdp(ANY_TARGET, "draft 03 knows of no ports");
    return await this.#exchange<BoundUdpResponse>(options, (fields) => ({
      request: encodeUdpUpgrade(udpResource(template, ANY_TARGET), [...fields, CONNECT_UDP_BIND]),
      upgrade: true,
      respond: (answered) => respondBound(answered, "upgrade", this.#proxy),
    }));
  }

  /** Ends all connections; open tunnels are reset. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    this.#silence.close();
    const gone = [...this.#open].map((connection) => {
      return new Promise((resolve) => {
        connection.socket.once("close", resolve);
        connection.reset();
      });
    });
    await Promise.all(gone);
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Breaks off what {@linkcode VersionClient.renew} says, and doubts the rest. */
  renew(isLost: (connection: Connection) => boolean): void {
    const spare = this.#spare?.connection;
    this.#spare = undefined;
    for (const connection of this.#open) {
      if (connection === spare || isLost(connection)) connection.reset();
    }
    this.#silence.doubt();
  }

  /** Opens a connection for the next flow, see {@linkcode VersionClient.warm}. */
  async warm(signal: AbortSignal): Promise<void> {
    if (this.#takeSpare(false) !== undefined) return;
    this.#keep(await this.#reach.dial(ALPN, signal));
  }

  async #exchange<T>(
    options: ConnectOptions,
    plan: (fields: readonly (readonly [string, string])[]) => Exchange<T>,
  ): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const exchange = plan(requestFields(this.#proxy, options.headers));
    const { signal } = options;
    signal?.throwIfAborted();

    const spare = this.#takeSpare();
    if (spare !== undefined) {
      const before = spare.received();
      try {
        return await this.#ask(spare, exchange, options);
      } catch (error) {
        // The proxy may have closed it while the request was under way: nothing was said, so ask again.
        const isOver = signal?.aborted || this.#closing.signal.aborted;
        if (isOver || spare.received() > before) throw error;
      }
    }
    const closing = this.#closing.signal;
    const until = signal ? AbortSignal.any([signal, closing]) : closing;
    const connection = await this.#reach.dial(ALPN, until);
    this.#watch(connection);
    return await this.#ask(connection, exchange, options);
  }

  #keep(connection: Connection): void {
    if (this.#closing.signal.aborted) return connection.reset();
    this.#watch(connection);
    this.#spare = { connection, since: performance.now() };
  }

  #watch(connection: Connection): void {
    this.#open.add(connection);
    connection.socket.on("close", () => {
      this.#open.delete(connection);
      this.#silence.forget(connection);
    });
  }

  #takeSpare(isTaken = true): Connection | undefined {
    const spare = this.#spare;
    if (isTaken) this.#spare = undefined;
    if (spare === undefined || spare.connection.socket.destroyed) return undefined;
    if (performance.now() - spare.since < SPARE_LIFETIME_MS) return spare.connection;
    spare.connection.reset();
  }

  /** Sends the request and reads the head of the answer. The socket is destroyed when it rejects. */
  #ask<T>(connection: Connection, exchange: Exchange<T>, options: ConnectOptions): Promise<T> {
    const { socket } = connection;
    const { signal } = options;
    const { answerMs } = this.#proxy.timeouts;
    const fail = (...why: [Parameters<typeof noAnswer>[1], string]) =>
      noAnswer(this.#proxy, ...why);
    return new Promise((resolve, reject) => {
      const parser = new ResponseHeadParser({ upgrade: exchange.upgrade });
      const onData = (bytes: Uint8Array<ArrayBuffer>) => {
        const progress = parser.push(plain(bytes));
        if (progress.state === "error") settle(fail("proxy_internal_error", progress.reason));
        if (progress.state === "done") settle(undefined, progress);
      };
      const onGone = () => {
        const closing = this.#closing.signal;
        const why = whyBroken(connection.failure()) ?? "it closed the connection";
        settle(closing.aborted ? closing.reason : fail("proxy_unreachable", why));
      };
      const onAbort = () => settle(signal!.reason);
      const timer = setTimeout(
        () => settle(fail("connection_timeout", `silence for ${answerMs / 1000} s`)),
        answerMs,
      );
      const settle = (error: unknown, answer?: Answer) => {
        clearTimeout(timer);
        socket.off("data", onData).off("end", onGone).off("close", onGone);
        signal?.removeEventListener("abort", onAbort);
        try {
          if (answer === undefined) throw error;
          const lasting = options.isSignalBrief ? undefined : signal;
          resolve(exchange.respond(answeredBy(connection, answer, lasting)));
          this.#silence.watch(connection);
        } catch (error) {
          connection.reset();
          reject(error);
        }
      };
      signal?.addEventListener("abort", onAbort);
      socket.on("data", onData).on("end", onGone).on("close", onGone);
      // A spare connection that the proxy ended while it waited says so no second time.
      if (socket.readableEnded || socket.destroyed) return onGone();
      socket.write(exchange.request);
    });
  }
}

/** A request, and what to make of its answer. */
interface Exchange<T> {
  readonly request: Uint8Array<ArrayBuffer>;
  /** The request asks to switch protocols. */
  readonly upgrade?: boolean;
  /** Called in the very turn in which the head came; throws when no tunnel can be made of it. */
  respond(answered: Answered): T;
}

type Answer = Extract<HeadProgress, { state: "done" }>;

function answeredBy(
  connection: Connection,
  { head, rest }: Answer,
  signal: AbortSignal | undefined,
): Answered {
  return {
    status: head.status,
    headers: new Headers(head.fields.map(([name, value]): [string, string] => [name, value])),
    duplex: connection.socket,
    options: new Link(connection, rest.length > 0 ? rest : undefined, signal),
  };
}

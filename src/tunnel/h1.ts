/**
 * The road over HTTP/1.1: one connection a tunnel, which becomes the tunnel after the 2xx (RFC 9110, section 9.3.6).
 *
 * No byte of the program leaves before the 2xx (RFC 9931): the streams do not exist until then.
 *
 * In the clear a proxy that is killed looks like an origin that ended, because both are a FIN; TLS and HTTP/2 tell them apart.
 *
 * @module
 */

import { formatAuthority } from "../masque/authority.ts";
import { encodeConnect } from "../masque/h1_request.ts";
import { type HeadProgress, ResponseHeadParser } from "../masque/h1_response.ts";
import { outcomeOf } from "../masque/outcome.ts";
import {
  encodeUdpDraft03,
  encodeUdpUpgrade,
  readUdpAnswer,
  udpLabel,
  udpOutcomeOf,
  udpResource,
} from "../masque/udp_request.ts";
import type { Connection } from "./connection.ts";
import { dial } from "./dial.ts";
import { duplexTunnel, type DuplexTunnelOptions, plain } from "./duplex_tunnel.ts";
import {
  dialTarget,
  noAnswer,
  type ProxySettings,
  requestFields,
  unreachable,
} from "./settings.ts";
import type {
  ConnectOptions,
  ProxyClient,
  RefusedTunnel,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "./tunnel.ts";
import { capsuleTunnel } from "./udp_tunnel.ts";

/** How long a connection may wait for its first request: proxies begin to close silent ones after 5 s. */
const SPARE_LIFETIME_MS = 4_000;

/** A way to a proxy over HTTP/1.1. */
export class H1Client implements ProxyClient {
  readonly description: string;
  readonly #proxy: ProxySettings;
  readonly #closing = new AbortController();
  /** Open connections, so that `close` ends them: one a flow, so bounded by whoever bounds the flows. */
  readonly #open = new Set<Connection>();
  #spare: { readonly connection: Connection; readonly since: number } | undefined;

  /** `first` is a connection that stands already and serves the first request. */
  constructor(proxy: ProxySettings, first?: Connection) {
    this.#proxy = proxy;
    this.description = `${proxy.name} (HTTP/1.1)`;
    if (first !== undefined) {
      this.#watch(first);
      this.#spare = { connection: first, since: performance.now() };
    }
  }

  /** Asks for a tunnel, see {@linkcode ProxyClient.connect}. */
  connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    return this.#exchange(options, (fields) => {
      const authority = formatAuthority(target.hostname, target.port);
      const request = encodeConnect(authority, fields);
      return { request, respond: (granted) => respond(granted, authority) };
    });
  }

  /** Asks for a UDP tunnel, see {@linkcode ProxyClient.connectUdp}. */
  connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    const { template, draft03 } = this.#proxy.udp;
    return this.#exchange(options, (fields) => {
      const request = draft03
        ? encodeUdpDraft03(formatAuthority(target.hostname, target.port), fields)
        : encodeUdpUpgrade(udpResource(template, target), fields);
      const label = udpLabel(target);
      return {
        request,
        upgrade: !draft03,
        respond: (answered) => this.#respondUdp(answered, draft03, label),
      };
    });
  }

  /** Ends all connections; open tunnels are reset. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
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

  async #exchange<T>(
    options: ConnectOptions,
    plan: (fields: readonly (readonly [string, string])[]) => Exchange<T>,
  ): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const exchange = plan(requestFields(this.#proxy, options.headers));
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    signal.throwIfAborted();

    const spare = this.#takeSpare();
    if (spare !== undefined) {
      const { socket } = spare;
      const before = socket.bytesRead;
      try {
        return await this.#ask(spare, exchange, signal);
      } catch (error) {
        // The proxy may have closed it while the request was under way: nothing was said, so ask again.
        if (signal.aborted || socket.bytesRead > before) throw error;
      }
    }
    return await this.#ask(await this.#dial(signal), exchange, signal);
  }

  #respondUdp(answered: Answered, draft03: boolean, label: string): UdpTunnelResponse {
    const { connection, status, headers } = answered;
    const answer = readUdpAnswer(draft03 ? "draft-03" : "upgrade", status, headers);
    if (answer.is === "malformed") {
      throw noAnswer(this.#proxy, "proxy_internal_error", answer.reason);
    }
    if (answer.is === "refused") return refused(answered, label, udpOutcomeOf);
    return capsuleTunnel(connection.socket, tunnelOptions(answered), { status, headers, draft03 });
  }

  async #dial(signal: AbortSignal): Promise<Connection> {
    try {
      const target = dialTarget(this.#proxy, ["http/1.1"]);
      const connection = await dial(target, { signal, timeoutMs: this.#proxy.timeouts.dialMs });
      this.#watch(connection);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(this.#proxy, error);
    }
  }

  #watch(connection: Connection): void {
    this.#open.add(connection);
    connection.socket.once("close", () => this.#open.delete(connection));
  }

  #takeSpare(): Connection | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined || spare.connection.socket.destroyed) return undefined;
    if (performance.now() - spare.since < SPARE_LIFETIME_MS) return spare.connection;
    spare.connection.reset();
  }

  /** Sends the request and reads the head of the answer. The socket is destroyed when it rejects. */
  #ask<T>(connection: Connection, exchange: Exchange<T>, signal: AbortSignal): Promise<T> {
    const { socket } = connection;
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
      const onGone = () => settle(fail("proxy_unreachable", "it closed the connection"));
      const onAbort = () => settle(signal.reason);
      const timer = setTimeout(
        () => settle(fail("connection_timeout", `silence for ${answerMs / 1000} s`)),
        answerMs,
      );
      const settle = (error: unknown, answer?: Answer) => {
        clearTimeout(timer);
        socket.off("data", onData).off("end", onGone).off("close", onGone);
        signal.removeEventListener("abort", onAbort);
        try {
          if (answer === undefined) throw error;
          resolve(exchange.respond(answeredBy(connection, answer, signal)));
        } catch (error) {
          connection.reset();
          reject(error);
        }
      };
      signal.addEventListener("abort", onAbort);
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

/** The head of an answer, and the connection that it came on. */
interface Answered {
  readonly connection: Connection;
  readonly status: number;
  readonly headers: Headers;
  readonly rest: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

function answeredBy(connection: Connection, { head, rest }: Answer, signal: AbortSignal): Answered {
  const headers = new Headers(head.fields.map(([name, value]): [string, string] => [name, value]));
  return { connection, status: head.status, headers, rest, signal };
}

function respond(answered: Answered, target: string): TunnelResponse {
  const { connection, status, headers } = answered;
  if (status < 200 || status > 299) return refused(answered, target, outcomeOf);
  // In this very turn: the socket flows, and bytes without a listener are lost.
  const { readable, writable, closed } = duplexTunnel(connection.socket, tunnelOptions(answered));
  return { ok: true, status, headers, readable, writable, closed };
}

function refused(
  { connection, status, headers }: Answered,
  target: string,
  explain: typeof outcomeOf,
): RefusedTunnel {
  connection.reset(); // whatever body follows, nobody reads it
  const answer = {
    status,
    proxyStatus: headers.get("proxy-status"),
    squidError: headers.get("x-squid-error"),
  };
  return { ok: false, status, headers, outcome: explain(answer, target) };
}

function tunnelOptions({ connection, rest, signal }: Answered): DuplexTunnelOptions {
  const { endedInOrder, reset, pause, resume } = connection;
  return { initial: rest, endedInOrder, reset, pause, resume, signal };
}

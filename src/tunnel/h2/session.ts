/**
 * One HTTP/2 connection to a proxy: many flows, each a CONNECT stream (RFC 9113, section 8.5).
 *
 * END_STREAM is FIN and RST_STREAM is RST, both ways. Three habits of `node:http2` that bite:
 * `stream.close(code)` sends END_STREAM before RST_STREAM, so the origin would see a FIN first, and only the `signal` of
 * the request sends a bare RST_STREAM (CANCEL); `end` is emitted also when the connection dies; a clean `close` of the session
 * may be the only word about a dead peer.
 *
 * @module
 */

import * as http2 from "node:http2";
import type { Socket } from "node:net";
import { ProxyError } from "../../errors.ts";
import { deferTeardown } from "../../http2_session.ts";
import { unanswered } from "../../masque/outcome.ts";
import type { Connection } from "../connection/connection.ts";
import { answeredOn } from "./answer.ts";
import { KeepAlive } from "../keep_alive.ts";
import {
  type Exchange,
  type FlowSession,
  type SessionEvents,
  UNPROCESSED,
} from "../multiplexed_client.ts";
import { noAnswer, type ProxySettings } from "../settings.ts";

/**
 * What a peer may send on one stream before we take it: 1 MiB carries 80 Mbit/s over 100 ms. It is also what a stalled flow can hold in
 * memory, so a thousand stalled ones hold 1 GiB at the very worst.
 */
const STREAM_WINDOW_BYTES = 1 << 20;

/** For the session together. `node:http2` gives it back on receipt, so a stalled flow does not stall the others. */
const SESSION_WINDOW_BYTES = 1 << 24;

/** Frames as large as one read of the socket. */
const MAX_FRAME_BYTES = 1 << 16;

/** A peer that begins with no streams at all may allow some with its next SETTINGS; one that has not by then is not going to. */
const NO_STREAMS_WAIT_MS = 1_000;

const { NGHTTP2_REFUSED_STREAM } = http2.constants;

/** One HTTP/2 connection. */
export class H2Session implements FlowSession {
  readonly #session: http2.ClientHttp2Session;
  readonly #connection: Connection;
  readonly #proxy: ProxySettings;
  readonly #events: SessionEvents<H2Session>;
  readonly #keepAlive: KeepAlive;
  #active = 0;
  #retired = false;

  /** For a `session` whose peer has sent its SETTINGS: {@linkcode H2Session.open} makes one. */
  constructor(
    session: http2.ClientHttp2Session,
    connection: Connection,
    proxy: ProxySettings,
    events: SessionEvents<H2Session>,
  ) {
    this.#session = session;
    this.#connection = connection;
    this.#proxy = proxy;
    this.#events = events;
    const { pingIdleMs, pingWaitMs } = proxy.timeouts;
    this.#keepAlive = new KeepAlive(
      {
        received: connection.received,
        ask: () => session.destroyed || session.ping(() => {}),
        dead: () => (events.onSilent(this), session.destroy()),
      },
      pingIdleMs,
      pingWaitMs,
    );
    const retire = () => this.#retire();
    connection.socket.once("end", () => session.destroy()); // half a connection is of no use to HTTP/2
    session.once("close", retire).once("error", retire).once("goaway", retire);
  }

  /**
   * Speaks HTTP/2 on `connection`. Resolves with the peer's SETTINGS, rejects with an `Error` when they do not come in time, and with a
   * `ProxyError` when they allow no stream at all.
   */
  static open(
    connection: Connection,
    proxy: ProxySettings,
    events: SessionEvents<H2Session>,
  ): Promise<H2Session> {
    const { socket } = connection;
    const session = deferTeardown(http2.connect(`${proxy.scheme}://proxy.invalid`, { // only for its own records
      createConnection: () => socket as Socket,
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxFrameSize: MAX_FRAME_BYTES,
      },
    }));
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        clearTimeout(timer);
        session.destroy();
        reject(error);
      };
      let timer = setTimeout(
        () => fail(new Error("it sends no HTTP/2 settings; does it speak HTTP/1.1 only?")),
        proxy.timeouts.dialMs,
      );
      session.on("error", fail);
      session.once("close", () => {
        fail(connection.failure() ?? new Error("it closed the HTTP/2 connection"));
      });
      const onSettings = ({ maxConcurrentStreams }: http2.Settings) => {
        clearTimeout(timer);
        if (maxConcurrentStreams === 0) { // which more SETTINGS may change (RFC 9113, section 5.1.2)
          timer = setTimeout(() => fail(noStreams(proxy)), NO_STREAMS_WAIT_MS);
          return;
        }
        session.off("remoteSettings", onSettings);
        session.setLocalWindowSize(SESSION_WINDOW_BYTES);
        resolve(new H2Session(session, connection, proxy, events));
      };
      session.on("remoteSettings", onSettings);
    });
  }

  /** Flows it may carry at once. */
  get limit(): number {
    return this.#session.remoteSettings?.maxConcurrentStreams ?? 0;
  }

  /** Flows it carries. */
  get active(): number {
    return this.#active;
  }

  /** Flows it can still take. */
  get room(): number {
    return this.#retired || this.#session.closed || this.isBroken || this.#keepAlive.isSuspect
      ? 0
      : Math.max(0, this.limit - this.#active);
  }

  /** Whether the connection is gone, and every stream with it. */
  get isBroken(): boolean {
    return this.#session.destroyed || this.#connection.socket.destroyed;
  }

  /** Whether the peer takes extended CONNECT (RFC 8441, section 3); without that, `:protocol` would be a malformed request. */
  get takesProtocols(): boolean {
    return this.#session.remoteSettings?.enableConnectProtocol ?? false;
  }

  /** Counts one flow more; {@linkcode request} or {@linkcode release} gives it back. */
  reserve(): void {
    this.#active++;
    this.#keepAlive.start();
  }

  /** Takes no more flows. Those that are open end at once when `isLost`, and are asked at once whether they live otherwise. */
  renew(isLost: (connection: Connection) => boolean): void {
    this.#retire();
    if (isLost(this.#connection)) this.#session.destroy();
    else if (this.#active > 0) this.#keepAlive.askNow();
  }

  /** Gives a reserved stream back unused. */
  release(): void {
    this.#release();
  }

  /** Asks for a tunnel on a reserved stream. Settles as {@linkcode ProxyClient.connect} does. */
  request<T>(exchange: Exchange<T>, signal: AbortSignal): Promise<T | typeof UNPROCESSED> {
    if (signal.aborted) { // while the stream was reserved
      this.#release();
      return Promise.reject(signal.reason);
    }
    const breaker = new AbortController();
    const stream = this.#openStream(exchange.fields, breaker.signal);
    if (stream === undefined) {
      this.#release();
      return Promise.resolve(UNPROCESSED);
    }
    stream.once("close", () => this.#release());
    stream.on("error", () => {}); // `close` follows and tells
    return new Promise((resolve, reject) => {
      const { answerMs } = this.#proxy.timeouts;
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        stream.off("response", onResponse).off("close", onClose);
      };
      const fail = (error: unknown) => {
        settle();
        breaker.abort();
        reject(error);
      };
      const timer = setTimeout(
        () => fail(noAnswer(this.#proxy, "connection_timeout", `silence for ${answerMs / 1000} s`)),
        answerMs,
      );
      const onAbort = () => fail(signal.reason);
      const onResponse = (head: http2.IncomingHttpHeaders) => {
        settle();
        try {
          resolve(exchange.respond(answeredOn(stream, head, breaker, signal)));
        } catch (error) {
          fail(error);
        }
      };
      const onClose = () => {
        // Also what becomes of the streams that a GOAWAY passes over.
        if (stream.rstCode !== NGHTTP2_REFUSED_STREAM) return fail(this.#whyUnanswered(stream));
        settle();
        resolve(UNPROCESSED);
      };
      signal.addEventListener("abort", onAbort);
      stream.once("response", onResponse).once("close", onClose);
    });
  }

  /** Ends the connection; its flows are reset. */
  close(): Promise<void> {
    this.#retire();
    const { socket } = this.#connection;
    if (socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once("close", () => resolve());
      this.#session.destroy();
    });
  }

  #openStream(
    fields: readonly (readonly [string, string])[],
    signal: AbortSignal,
  ): http2.ClientHttp2Stream | undefined {
    if (this.#retired || this.#session.closed || this.isBroken) return undefined;
    const headers: http2.OutgoingHttpHeaders = Object.create(null);
    for (const [name, value] of fields) headers[name.toLowerCase()] = value;
    return this.#session.request(headers, { endStream: false, signal });
  }

  #whyUnanswered(stream: http2.ClientHttp2Stream): Error {
    if (this.isBroken) {
      return noAnswer(this.#proxy, "proxy_unreachable", "the connection to it broke");
    }
    const why = `it reset the request (code ${stream.rstCode})`;
    return noAnswer(this.#proxy, "connection_terminated", why);
  }

  #release(): void {
    this.#active--;
    if (this.#active === 0) this.#keepAlive.stop();
    if (this.#active === 0 && this.#retired) this.#session.destroy();
    this.#events.onReleased(this);
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#active === 0) this.#session.destroy();
    this.#events.onRetired(this);
  }
}

function noStreams(proxy: ProxySettings): ProxyError {
  const detail = `The proxy ${proxy.name} takes no tunnels: its SETTINGS allow 0 streams at once`;
  return new ProxyError(unanswered("connection_limit_reached", detail));
}

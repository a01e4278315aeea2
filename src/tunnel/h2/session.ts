/**
 * One HTTP/2 connection to a proxy: many flows, each a CONNECT stream (RFC 9113, section 8.5). END_STREAM is FIN and RST_STREAM is RST, both ways.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { H2Connection } from "../../http2/connection.ts";
import { socketCarrier } from "../../http2/socket_carrier.ts";
import { type H2Stream, StreamBroken } from "../../http2/stream.ts";
import type { Field } from "../../masque/fields/field.ts";
import { readResponseHead, type ResponseHead } from "../../masque/fields/message.ts";
import { MAX_HEAD_BYTES } from "../../masque/h1_response.ts";
import { ERROR } from "../../masque/h2/codes.ts";
import { DEFAULT_SETTINGS, type H2Settings } from "../../masque/h2/settings.ts";
import { unanswered } from "../../masque/outcome.ts";
import { answeredOn } from "./answer.ts";
import type { Connection } from "../connection/connection.ts";
import { KeepAlive } from "../keep_alive.ts";
import {
  type Exchange,
  type FlowSession,
  type SessionEvents,
  UNPROCESSED,
} from "../multiplexed_client.ts";
import { noAnswer, type ProxySettings } from "../settings.ts";

/** Ours. */
const SETTINGS: H2Settings = {
  ...DEFAULT_SETTINGS,
  /**
   * What a peer may send on one stream before we take it: 1 MiB carries 80 Mbit/s over 100 ms. It is also what a stalled flow can hold in
   * memory, so a thousand stalled ones hold 1 GiB at the very worst.
   */
  initialWindowBytes: 1 << 20,
  /** Frames as large as one read of the socket. */
  maxFrameBytes: 1 << 16,
};

/** For the connection together: it opens again on receipt, so a stalled flow does not stall the others. */
const CONNECTION_WINDOW_BYTES = 1 << 24;

/** A peer that begins with no streams at all may allow some with its next SETTINGS; one that has not by then is not going to. */
const NO_STREAMS_WAIT_MS = 1_000;

/** One HTTP/2 connection. */
export class H2Session implements FlowSession {
  readonly #connection: H2Connection;
  readonly #carrier: Connection;
  readonly #proxy: ProxySettings;
  readonly #events: SessionEvents<H2Session>;
  readonly #keepAlive: KeepAlive;
  /** Told of each SETTINGS of the peer's, until there are streams to be had. */
  #onSettings: ((settings: H2Settings) => void) | undefined;
  #active = 0;
  #retired = false;

  /** Speaks through `carrier`: {@linkcode H2Session.open} makes one. */
  constructor(carrier: Connection, proxy: ProxySettings, events: SessionEvents<H2Session>) {
    this.#carrier = carrier;
    this.#proxy = proxy;
    this.#events = events;
    this.#connection = new H2Connection(socketCarrier(carrier.socket), {
      side: "client",
      settings: SETTINGS,
      windowBytes: CONNECTION_WINDOW_BYTES,
      maxHeadBytes: MAX_HEAD_BYTES,
      onSettings: (settings) => this.#onSettings?.(settings),
      onGoaway: () => this.#retire(),
    });
    const { pingIdleMs, pingWaitMs } = proxy.timeouts;
    this.#keepAlive = new KeepAlive(
      {
        received: carrier.received,
        ask: () => this.#connection.ping(),
        dead: () => (events.onSilent(this), this.#connection.destroy()),
      },
      pingIdleMs,
      pingWaitMs,
    );
    void this.#connection.closed.then(() => this.#retire());
  }

  /**
   * Speaks HTTP/2 on `carrier`. Resolves with the peer's SETTINGS, rejects with an `Error` when they do not come in time, and with a
   * `ProxyError` when they allow no stream at all.
   */
  static async open(
    carrier: Connection,
    proxy: ProxySettings,
    events: SessionEvents<H2Session>,
  ): Promise<H2Session> {
    const session = new H2Session(carrier, proxy, events);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = new Error("it sends no HTTP/2 settings; does it speak HTTP/1.1 only?");
    let timer = setTimeout(() => reject(late), proxy.timeouts.dialMs);
    session.#onSettings = ({ maxConcurrentStreams }) => {
      clearTimeout(timer);
      if (maxConcurrentStreams > 0) return resolve();
      // More SETTINGS may change that (RFC 9113, section 5.1.2).
      timer = setTimeout(() => reject(noStreams(proxy)), NO_STREAMS_WAIT_MS);
    };
    void session.#connection.closed.then((why) => reject(carrier.failure() ?? new Error(why)));
    try {
      await promise;
      return session;
    } catch (error) {
      session.#connection.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      session.#onSettings = undefined;
    }
  }

  /** Flows it may carry at once. */
  get limit(): number {
    return this.#connection.peer.maxConcurrentStreams;
  }

  /** Flows it carries. */
  get active(): number {
    return this.#active;
  }

  /** Flows it can still take. */
  get room(): number {
    return this.#retired || this.isBroken || this.#keepAlive.isSuspect
      ? 0
      : Math.max(0, this.limit - this.#active);
  }

  /** Whether the connection is gone, and every stream with it. */
  get isBroken(): boolean {
    return this.#connection.isOver;
  }

  /** Whether the peer takes extended CONNECT (RFC 8441, section 3); without that, `:protocol` would be a malformed request. */
  get takesProtocols(): boolean {
    return this.#connection.peer.connectProtocol;
  }

  /** Counts one flow more; {@linkcode request} or {@linkcode release} gives it back. */
  reserve(): void {
    this.#active++;
    this.#keepAlive.start();
  }

  /** Takes no more flows. Those that are open end at once when `isLost`, and are asked at once whether they live otherwise. */
  renew(isLost: (connection: Connection) => boolean): void {
    this.#retire();
    if (isLost(this.#carrier)) this.#connection.destroy();
    else if (this.#active > 0) this.#keepAlive.askNow();
  }

  /** Gives a reserved stream back unused. */
  release(): void {
    this.#release();
  }

  /** Asks for a tunnel on a reserved stream. Settles as {@linkcode ProxyClient.connect} does. */
  async request<T>(exchange: Exchange<T>, signal: AbortSignal): Promise<T | typeof UNPROCESSED> {
    if (signal.aborted) { // while the stream was reserved
      this.#release();
      throw signal.reason;
    }
    let response: ResponseHead | undefined;
    const fields = exchange.fields.map(([name, value]): Field => [name.toLowerCase(), value]);
    const stream = this.#retired ? undefined : this.#connection.open(fields, (fields) => {
      const read = readResponseHead(fields);
      if (typeof read === "string") return { malformed: read };
      if (read.status < 200) return "head";
      response = read;
      return read.status < 300 ? "tunnel" : "content";
    });
    if (stream === undefined) {
      this.#release();
      return UNPROCESSED;
    }
    stream.duplex.once("close", () => this.#release());
    try {
      await this.#answer(stream, signal);
      return exchange.respond(answeredOn(stream, response!, signal));
    } catch (error) {
      stream.breakOff("the request was given up");
      if (!(error instanceof StreamBroken)) throw error;
      if (error.code === ERROR.REFUSED_STREAM) return UNPROCESSED;
      throw this.#whyUnanswered(error);
    }
  }

  /** Ends the connection; its flows are reset. */
  async close(): Promise<void> {
    this.#retire();
    this.#connection.close();
    await this.#connection.closed;
  }

  async #answer(stream: H2Stream, signal: AbortSignal): Promise<void> {
    const { answerMs } = this.#proxy.timeouts;
    const { promise, reject } = Promise.withResolvers<never>();
    const late = () =>
      noAnswer(this.#proxy, "connection_timeout", `silence for ${answerMs / 1000} s`);
    const timer = setTimeout(() => reject(late()), answerMs);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      await Promise.race([stream.answered, promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  #whyUnanswered(error: StreamBroken): Error {
    if (this.isBroken) {
      return noAnswer(this.#proxy, "proxy_unreachable", "the connection to it broke");
    }
    return noAnswer(this.#proxy, "connection_terminated", error.message);
  }

  #release(): void {
    this.#active--;
    if (this.#active === 0) this.#keepAlive.stop();
    if (this.#active === 0 && this.#retired) this.#connection.close();
    this.#events.onReleased(this);
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#active === 0) this.#connection.close();
    this.#events.onRetired(this);
  }
}

function noStreams(proxy: ProxySettings): ProxyError {
  const detail = `The proxy ${proxy.name} takes no tunnels: its SETTINGS allow 0 streams at once`;
  return new ProxyError(unanswered("connection_limit_reached", detail));
}

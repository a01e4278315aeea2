/**
 * One HTTP/3 connection to a proxy: many flows, each a request stream.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { H3Connection } from "../../http3/connection.ts";
import { type H3Stream, StreamBroken } from "../../http3/stream.ts";
import { ERROR } from "../../masque/h3/codes.ts";
import type { Field } from "../../masque/fields/field.ts";
import type { ResponseHead } from "../../masque/fields/message.ts";
import { readResponse } from "../../masque/h3/message.ts";
import { MAX_HEAD_BYTES } from "../../masque/h1_response.ts";
import { unanswered } from "../../masque/outcome.ts";
import type { Answered } from "../answer.ts";
import {
  type Exchange,
  type FlowSession,
  type SessionEvents,
  UNPROCESSED,
} from "../multiplexed_client.ts";
import { noAnswer, type ProxySettings } from "../settings.ts";
import type { RoadOptions } from "../road/version_client.ts";
import type { QuicConnection } from "./dial.ts";
import { SilenceCheck } from "./silence.ts";

/**
 * The runtime does not tell how many streams the peer allows. This is what most do (quinn, quic-go, Envoy); who allows fewer shows it when a
 * stream does not open.
 */
const EXPECTED_STREAMS = 100;

/**
 * The end of a connection takes with it what is still on its way, and the runtime does not tell what has arrived. So the connection outlives its
 * last flow for so long: three round trips of a slow way.
 */
const ARRIVAL_MS = 300;

/** The runtime's words for a connection that was silent for QUIC's idle time, although it sends PINGs. */
const TIMED_OUT = "timed out";

/** One HTTP/3 connection. */
export class H3Session implements FlowSession {
  readonly #connection: H3Connection;
  readonly #proxy: ProxySettings;
  readonly #events: SessionEvents<H3Session>;
  readonly #silence: SilenceCheck;
  /** Requests without an answer yet. */
  readonly #waiting = new Set<H3Stream>();
  /** When the latest flow ended. */
  #endedAt = -Infinity;
  #limit = EXPECTED_STREAMS;
  #active = 0;
  #retired = false;

  /** Speaks on `quic`: {@linkcode H3Session.open} makes one. */
  constructor(quic: QuicConnection, proxy: ProxySettings, events: SessionEvents<H3Session>) {
    this.#proxy = proxy;
    this.#events = events;
    this.#connection = new H3Connection(quic.conn, {
      side: "client",
      maxHeadBytes: MAX_HEAD_BYTES,
      connectProtocol: false,
      onGoaway: (id) => this.#onGoaway(id),
      onHeld: () => this.#retire(),
      onOver: (why) => {
        if (why.includes(TIMED_OUT) && this.#active > 0) events.onSilent(this);
      },
    });
    this.#silence = new SilenceCheck(this.#connection, new URL(proxy.name).host);
    void this.#connection.closed.then(() => {
      quic.release();
      this.#retire();
    });
  }

  /** Begins. Resolves with the peer's SETTINGS, without which extended CONNECT may not be used; rejects with an `Error` when they do not come. */
  static async open(
    quic: QuicConnection,
    proxy: ProxySettings,
    events: SessionEvents<H3Session>,
    signal: AbortSignal,
  ): Promise<H3Session> {
    const session = new H3Session(quic, proxy, events);
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    const timer = setTimeout(
      () => reject(new Error("it sends no HTTP/3 settings")),
      proxy.timeouts.dialMs,
    );
    try {
      signal.throwIfAborted();
      await Promise.race([session.#connection.settings, promise]);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Flows it may carry at once, as far as is known. */
  get limit(): number {
    return this.#limit;
  }

  /** Flows it carries. */
  get active(): number {
    return this.#active;
  }

  /** Flows it can still take. */
  get room(): number {
    return this.#retired || this.isBroken ? 0 : Math.max(0, this.#limit - this.#active);
  }

  /** Whether the connection is gone, and every stream with it. */
  get isBroken(): boolean {
    return this.#connection.isOver;
  }

  /** Whether the peer takes extended CONNECT (RFC 9220, section 3). */
  get takesProtocols(): boolean {
    return this.#connection.peer.connectProtocol;
  }

  /** Counts one flow more; {@linkcode request} or {@linkcode release} gives it back. */
  reserve(): void {
    this.#active++;
  }

  /** Gives a reserved stream back unused. */
  release(): void {
    this.#release();
  }

  /** Takes no more flows. QUIC keeps asking by itself whether the other side lives, and goes along when our address changes. */
  renew(): void {
    this.#retire();
  }

  /** Asks for a tunnel on a reserved stream. Settles as {@linkcode ProxyClient.connect} does. */
  async request<T>(
    exchange: Exchange<T>,
    signal: AbortSignal,
    onSilence?: RoadOptions["onSilence"],
  ): Promise<T | typeof UNPROCESSED> {
    let response: ResponseHead | undefined;
    const stream = await this.#open((fields) => {
      const read = readResponse(fields);
      if ("code" in read) return read;
      if (read.status < 200) return "head";
      response = read;
      return read.status < 300 ? "tunnel" : "content";
    });
    if (stream === undefined) return UNPROCESSED;
    const fields = exchange.fields.map(([name, value]): Field => [name.toLowerCase(), value]);
    stream.sendHead(fields);
    const stop = onSilence && this.#silence.watch(onSilence);
    try {
      await this.#answer(stream, signal);
      return exchange.respond(answeredOn(stream, response!, signal));
    } catch (error) {
      stream.breakOff("the request was given up");
      if (error instanceof StreamBroken) {
        if (error.code === ERROR.REQUEST_REJECTED) return UNPROCESSED;
        throw this.#whyUnanswered(error);
      }
      throw error;
    } finally {
      stop?.();
    }
  }

  /** Ends the connection; its flows are reset. What the last flow has sent gets a moment to arrive. */
  async close(): Promise<void> {
    this.#retire();
    if (this.#active > 0) this.#connection.close(ERROR.NO_ERROR);
    await this.#connection.closed;
  }

  async #open(takeHead: Parameters<H3Connection["open"]>[0]): Promise<H3Stream | undefined> {
    let stream: H3Stream | undefined;
    try {
      if (!this.#retired && !this.isBroken) stream = await this.#connection.open(takeHead);
      if (stream === undefined) this.#full();
      else stream.duplex.once("close", () => this.#release());
      return stream;
    } catch (error) {
      if (this.isBroken) return undefined;
      throw error;
    } finally {
      if (stream === undefined) this.#release();
    }
  }

  /** The peer allows no further stream: now it is known how many it does. */
  #full(): void {
    if (this.#retired || this.isBroken) return;
    this.#limit = this.#active - 1;
    if (this.#limit > 0) return;
    this.#limit = 1;
    const detail = `The proxy ${this.#proxy.name} takes no tunnels: it allows 0 streams at once`;
    throw new ProxyError(unanswered("connection_limit_reached", detail));
  }

  async #answer(stream: H3Stream, signal: AbortSignal): Promise<void> {
    const { answerMs } = this.#proxy.timeouts;
    const { promise, reject } = Promise.withResolvers<never>();
    const late = () =>
      noAnswer(this.#proxy, "connection_timeout", `silence for ${answerMs / 1000} s`);
    const timer = setTimeout(() => reject(late()), answerMs);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    this.#waiting.add(stream);
    try {
      signal.throwIfAborted();
      await Promise.race([stream.head, promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      this.#waiting.delete(stream);
    }
  }

  #whyUnanswered(error: StreamBroken): Error {
    if (this.isBroken) {
      return noAnswer(this.#proxy, "proxy_unreachable", "the connection to it broke");
    }
    return noAnswer(this.#proxy, "connection_terminated", error.message);
  }

  #onGoaway(id: number): void {
    this.#retire();
    for (const stream of this.#waiting) {
      if (stream.id >= id) {
        const why = new StreamBroken("it is going away", ERROR.REQUEST_REJECTED);
        stream.duplex.destroy(why);
      }
    }
  }

  #release(): void {
    this.#active--;
    this.#endedAt = performance.now();
    if (this.#active === 0 && this.#retired) this.#endSoon();
    this.#events.onReleased(this);
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#active === 0) this.#endSoon();
    this.#events.onRetired(this);
  }

  #endSoon(): void {
    const leftMs = this.#endedAt + ARRIVAL_MS - performance.now();
    if (leftMs <= 0) return this.#connection.close(ERROR.NO_ERROR);
    this.#connection.later(leftMs, () => this.#connection.close(ERROR.NO_ERROR));
  }
}

function answeredOn(
  stream: H3Stream,
  { status, fields }: ResponseHead,
  signal: AbortSignal,
): Answered {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const { duplex } = stream;
  return {
    status,
    headers,
    duplex,
    options: {
      endedInOrder: () => true, // a stream that breaks says `close`, and no `end`
      reset: () => void duplex.destroy(),
      signal,
      datagrams: {
        send: (context, payload, prefix) => stream.sendDatagram(context, payload, prefix),
        receive: (take) => stream.receiveDatagrams(take),
        get lost() {
          return stream.lostDatagrams;
        },
      },
    },
  };
}

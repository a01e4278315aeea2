/**
 * A resolver that asks the very server that the program names, by datagrams where they get there, over a stream elsewhere: SHELL.
 * What both lead through is not its affair.
 *
 * @module
 */

import { Hosts } from "./hosts.ts";
import { RCODE } from "./message.ts";
import { ownVerdict } from "./own_names.ts";
import { answerLimit, type DnsTransport, type Query } from "./query.ts";
import { race, withDeadline } from "./race.ts";
import { readQuery } from "./read_query.ts";
import { TYPE } from "./records.ts";
import { FAILED, NO_DATA, refuse, reply, truncatedReply } from "./reply.ts";
import { type DnsChannel, ServerConnection } from "./server_connection.ts";

/** A server. */
export interface DnsServer {
  /** An address in text. */
  readonly hostname: string;
  readonly port: number;
}

/** Opens a way to a server; rejects when there is none. */
export type OpenChannel = (
  kind: DnsChannel["kind"],
  server: DnsServer,
  signal: AbortSignal,
) => Promise<DnsChannel>;

/** What a {@linkcode Forwarder} may be told. */
export interface ForwarderOptions {
  /** Its names are answered from there. */
  readonly hosts?: Hosts;
  /** Whether addresses of IPv6 are of use; asked at each AAAA, which is otherwise "no such data". */
  readonly hasIpv6?: () => boolean;
  /** Hears of each question that the server did not answer, and why, without the name. */
  readonly onFailure?: (why: Error) => void;
  /** How long a question may take; then it is a server failure. By default 4.5 s: the C library and dig give up after 5. */
  readonly timeoutMs?: number;
}

/** Connections at once: a program names three servers at most, and `dig +trace` a dozen. The oldest gives way. */
const MAX_CONNECTIONS = 64;
/** A proxy that does not carry datagrams will hardly learn it within a minute. */
const RETRY_DATAGRAMS_MS = 60_000;
/** A datagram may get lost, or never get through; then the stream is tried. */
const DATAGRAM_PATIENCE_MS = 1500;
/** Questions under way; beyond, a server failure at once. */
const MAX_QUESTIONS = 4096;

/** Forwards queries. */
export class Forwarder implements AsyncDisposable {
  readonly #open: OpenChannel;
  readonly #hosts: Hosts;
  readonly #options: ForwarderOptions;
  readonly #closing = new AbortController();
  readonly #connections = new Map<string, Promise<ServerConnection>>();
  /** Until when datagrams are not tried. */
  #streamsUntil = -Infinity;
  #questions = 0;

  /** Asks over what `open` opens. */
  constructor(open: OpenChannel, options: ForwarderOptions = {}) {
    this.#open = open;
    this.#options = options;
    this.#hosts = options.hosts ?? new Hosts();
  }

  /**
   * What `server` says to a query, cut with the TC bit to what the asker takes on `transport`. Undefined for what must stay
   * unanswered. Never rejects: a server that cannot be had is a server failure.
   */
  async answer(
    bytes: Uint8Array,
    server: DnsServer,
    transport: DnsTransport,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const query = readQuery(bytes);
    if (query === undefined || query instanceof Uint8Array) return query;
    const own = this.#ownVerdict(query);
    if (own !== undefined) return reply(query, own, transport);
    if (this.#questions >= MAX_QUESTIONS) return refuse(query.header, RCODE.SERVFAIL, query);
    this.#questions++;
    try {
      const found = await this.#ask(bytes, server, transport);
      return found.length <= answerLimit(query, transport) ? found : truncatedReply(query);
    } catch (error) {
      const why = error instanceof AggregateError ? error.errors.at(-1) : error; // the stream's, which comes last
      if (!this.#closing.signal.aborted) this.#options.onFailure?.(why);
      return reply(query, FAILED, transport);
    } finally {
      this.#questions--;
    }
  }

  /** Ends every connection. Closing twice does nothing. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The forwarder was closed", "AbortError"));
    const connections = await Promise.allSettled(this.#connections.values());
    await Promise.all(
      connections.map((settled) => settled.status === "fulfilled" && settled.value.close()),
    );
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ownVerdict(query: Query) {
    const own = ownVerdict(query, this.#hosts);
    if (own !== undefined) return own;
    const isUseless = query.question.type === TYPE.AAAA && this.#options.hasIpv6?.() === false;
    return isUseless ? NO_DATA : undefined;
  }

  #ask(
    query: Uint8Array,
    server: DnsServer,
    transport: DnsTransport,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { timeoutMs = 4500 } = this.#options;
    const stream = (signal: AbortSignal) => this.#askStream(query, server, signal);
    const isTried = transport === "udp" && performance.now() >= this.#streamsUntil;
    const datagram = (signal: AbortSignal) => this.#askDatagrams(query, server, signal);
    const attempts = isTried ? [datagram, stream] : [stream];
    return withDeadline(
      timeoutMs,
      this.#closing.signal,
      (signal) => race(attempts, DATAGRAM_PATIENCE_MS, signal),
    );
  }

  async #askDatagrams(query: Uint8Array, server: DnsServer, signal: AbortSignal) {
    const connection = await this.#connect("datagrams", server).catch((error) => {
      this.#streamsUntil = performance.now() + RETRY_DATAGRAMS_MS;
      throw error;
    });
    return await connection.ask(query, signal);
  }

  async #askStream(query: Uint8Array, server: DnsServer, signal: AbortSignal) {
    const key = keyOf("stream", server);
    const kept = this.#connections.get(key);
    try {
      return await (await this.#connect("stream", server)).ask(query, signal);
    } catch (error) {
      // What was kept may have ended while nobody asked.
      if (kept === undefined || signal.aborted) throw error;
      if (this.#connections.get(key) === kept) this.#connections.delete(key);
      return await (await this.#connect("stream", server)).ask(query, signal);
    }
  }

  /** The connection that there is, or a new one; the deadline of one question is not that of the others which wait for it. */
  #connect(kind: DnsChannel["kind"], server: DnsServer): Promise<ServerConnection> {
    const key = keyOf(kind, server);
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#connections;
    if (this.#connections.size >= MAX_CONNECTIONS) {
      this.#connections.delete(oldest[0]);
      oldest[1].then((connection) => connection.close(), () => {});
    }
    const opening = this.#open(kind, server, this.#closing.signal)
      .then((channel) => new ServerConnection(channel));
    this.#connections.set(key, opening);
    const forget = () => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    };
    opening.then((connection) => connection.closed).then(forget, forget);
    return opening;
  }
}

function keyOf(kind: DnsChannel["kind"], { hostname, port }: DnsServer): string {
  return `${kind} ${hostname} ${port}`;
}

/**
 * A resolver that asks the very server that the program names, over a stream: SHELL. Where the stream leads through is not its
 * affair.
 *
 * @module
 */

import { Hosts } from "./hosts.ts";
import { RCODE } from "./message.ts";
import { ownVerdict } from "./own_names.ts";
import { answerLimit, type Query, type Transport } from "./query.ts";
import { withDeadline } from "./race.ts";
import { readQuery } from "./read_query.ts";
import { TYPE } from "./records.ts";
import { FAILED, NO_DATA, refuse, reply, truncatedReply } from "./reply.ts";
import type { DnsStream } from "./serve.ts";
import { ServerStream } from "./server_stream.ts";

/** A server. */
export interface DnsServer {
  /** An address in text. */
  readonly hostname: string;
  readonly port: number;
}

/** Opens a stream to a server; rejects when there is none. */
export type OpenStream = (server: DnsServer, signal: AbortSignal) => Promise<DnsStream>;

/** What a {@linkcode Forwarder} may be told. */
export interface ForwarderOptions {
  /** Its names are answered from there. */
  readonly hosts?: Hosts;
  /** Whether addresses of IPv6 are of use; asked at each AAAA, which is otherwise "no such data". */
  readonly hasIpv6?: () => boolean;
  /** How long a question may take; then it is a server failure. By default 4.5 s: the C library and dig give up after 5. */
  readonly timeoutMs?: number;
}

/** Servers with a connection at once: a program names three at most, and `dig +trace` a dozen. The oldest gives way. */
const MAX_SERVERS = 64;
/** Questions under way; beyond, a server failure at once. */
const MAX_QUESTIONS = 4096;

/** Forwards queries. */
export class Forwarder implements AsyncDisposable {
  readonly #open: OpenStream;
  readonly #hosts: Hosts;
  readonly #options: ForwarderOptions;
  readonly #closing = new AbortController();
  readonly #streams = new Map<string, Promise<ServerStream>>();
  #questions = 0;

  /** Asks over what `open` opens. */
  constructor(open: OpenStream, options: ForwarderOptions = {}) {
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
    transport: Transport,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const query = readQuery(bytes);
    if (query === undefined || query instanceof Uint8Array) return query;
    const own = this.#ownVerdict(query);
    if (own !== undefined) return reply(query, own, transport);
    if (this.#questions >= MAX_QUESTIONS) return refuse(query.header, RCODE.SERVFAIL, query);
    this.#questions++;
    try {
      const found = await this.#ask(bytes, server);
      return found.length <= answerLimit(query, transport) ? found : truncatedReply(query);
    } catch {
      return reply(query, FAILED, transport);
    } finally {
      this.#questions--;
    }
  }

  /** Ends every connection. Closing twice does nothing. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The forwarder was closed", "AbortError"));
    const streams = await Promise.allSettled(this.#streams.values());
    await Promise.all(
      streams.map((stream) => stream.status === "fulfilled" && stream.value.close()),
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

  #ask(query: Uint8Array, server: DnsServer): Promise<Uint8Array<ArrayBuffer>> {
    const { timeoutMs = 4500 } = this.#options;
    return withDeadline(timeoutMs, this.#closing.signal, async (signal) => {
      const kept = this.#streams.get(keyOf(server));
      if (kept !== undefined) {
        try {
          return await (await kept).ask(query, signal);
        } catch {
          signal.throwIfAborted(); // what was kept may have ended while nobody asked
        }
      }
      return await (await this.#stream(server)).ask(query, signal);
    });
  }

  /** The connection that there is, or a new one; the deadline of one question is not that of the others which wait for it. */
  #stream(server: DnsServer): Promise<ServerStream> {
    const key = keyOf(server);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#streams;
    if (this.#streams.size >= MAX_SERVERS) {
      this.#streams.delete(oldest[0]);
      oldest[1].then((stream) => stream.close(), () => {});
    }
    const opening = this.#open(server, this.#closing.signal).then((stream) =>
      new ServerStream(stream)
    );
    this.#streams.set(key, opening);
    const forget = () => {
      if (this.#streams.get(key) === opening) this.#streams.delete(key);
    };
    opening.then((stream) => stream.closed).then(forget, forget);
    return opening;
  }
}

function keyOf({ hostname, port }: DnsServer): string {
  return `${hostname} ${port}`;
}

/**
 * A resolver that asks servers by HTTPS (RFC 8484): SHELL around the pure rooms of DNS. How HTTPS travels is not its affair: it
 * is handed a `fetch`.
 *
 * @module
 */

import { formatIp } from "../wire/address.ts";
import { ReplyCache } from "./cache.ts";
import { askOverHttps, type DohAnswer, dohUrl, type Fetch } from "./doh.ts";
import { Hosts } from "./hosts.ts";
import { encodeMessage, OPCODE_QUERY, parseMessage, RCODE } from "./message.ts";
import { isHostName } from "./name.ts";
import { ownVerdict } from "./own_names.ts";
import type { DnsTransport, Query } from "./query.ts";
import { race, withDeadline } from "./race.ts";
import { readQuery } from "./read_query.ts";
import { CLASS_IN, TYPE } from "./records.ts";
import { FAILED, NO_DATA, reply, type Verdict } from "./reply.ts";
import { type ServerQuery, serverQuery } from "./server_query.ts";
import { answerFrom } from "./server_reply.ts";

/**
 * The servers when nobody names others: Cloudflare and Google. Both are open to everybody, filter nothing, and are reached
 * by a name, which the proxy resolves.
 */
export const DEFAULT_DOH_SERVERS: readonly string[] = [
  "https://cloudflare-dns.com/dns-query",
  "https://dns.google/dns-query",
];

/** Bounds of a resolver. */
export interface ResolverLimits {
  /** Answers that are kept. */
  readonly cacheEntries: number;
  /** Bytes of answers that are kept. */
  readonly cacheBytes: number;
  /** Questions under way. Beyond, an asker gets a server failure at once. */
  readonly questions: number;
  /** Askers that wait. Beyond, the same. */
  readonly waiting: number;
  /** How long a question may take; then it is a server failure. */
  readonly timeoutMs: number;
  /** How long a server may be silent before the next is asked, too. */
  readonly staggerMs: number;
  /** How long a failure is remembered (RFC 9520, section 3.2). */
  readonly failureTtlMs: number;
}

/** What we chose. */
export const RESOLVER_LIMITS: ResolverLimits = {
  cacheEntries: 8192,
  cacheBytes: 4 << 20,
  // More than a browser with a hundred tabs has; and each holds one stream at each server.
  questions: 1024,
  waiting: 4096,
  // The C library and dig give up after 5 s: so they hear of it.
  timeoutMs: 4500,
  // A first question opens tunnel, TCP and TLS, four round trips in all; the later ones take one.
  staggerMs: 500,
  failureTtlMs: 1000,
};

/** What a {@linkcode DohResolver} may be told. */
export interface DohResolverOptions {
  /** Carries the questions: `fetch`, or what `fetchThrough` gives. */
  readonly fetch: Fetch;
  /** URLs of servers, the preferred one first; by default {@linkcode DEFAULT_DOH_SERVERS}. */
  readonly servers?: readonly (string | URL)[];
  /** The text of a file as hosts(5) describes it: its names are answered from there. */
  readonly hosts?: string;
  /** Whether addresses of IPv6 are of use; asked at each AAAA, which is otherwise "no such data". */
  readonly hasIpv6?: () => boolean;
  /** Hears of each question that no server answered, and why, without the name. */
  readonly onFailure?: (why: Error) => void;
  /** Other bounds than the usual ones. */
  readonly limits?: Partial<ResolverLimits>;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/**
 * A stub resolver with a cache. The first server that gives a good answer wins; equal questions under way become one; what the
 * servers say is kept as long as they allow (RFC 1035; RFC 2308), and every question is answered in bounded time.
 *
 * @example The addresses of a name, from a file and from nobody else
 * ```ts
 * import { DohResolver } from "../../mod.ts";
 *
 * await using resolver = new DohResolver({ fetch, hosts: "192.0.2.7 printer.test" });
 * const addresses = await resolver.addressesOf("printer.test");
 * if (addresses.join() !== "192.0.2.7") throw new Error("unexpected");
 * ```
 *
 * @example Through a proxy
 * ```ts
 * import { DohResolver, fetchThrough, MemoryClient } from "../../mod.ts";
 *
 * await using proxy = new MemoryClient(() => ({
 *   kind: "dns_error", refusal: "host-unreachable", status: 502, detail: "no such name",
 * }));
 * await using fetch = fetchThrough(proxy);
 * await using resolver = new DohResolver({ fetch });
 * const failed = await resolver.addressesOf("name.example").catch((error) => error);
 * if (!failed.message.includes("SERVFAIL")) throw new Error("unexpected");
 * ```
 */
export class DohResolver implements AsyncDisposable {
  readonly #options: DohResolverOptions;
  readonly #limits: ResolverLimits;
  readonly #hosts: Hosts;
  readonly #cache: ReplyCache;
  readonly #closing = new AbortController();
  /** The one that answered last comes first. */
  #servers: readonly URL[];
  /** Questions under way, by their key or, without one, by themselves. */
  readonly #asking = new Map<unknown, Promise<DohAnswer>>();
  /** Until when a question is not asked again. Bounded as the questions are, the oldest first. */
  readonly #failed = new Map<string, number>();
  #waiting = 0;

  /**
   * Asks nobody yet.
   *
   * @throws {TypeError} If a server's URL is none
   */
  constructor(options: DohResolverOptions) {
    this.#options = options;
    this.#limits = { ...RESOLVER_LIMITS, ...options.limits };
    this.#hosts = new Hosts(options.hosts);
    const { cacheEntries: entries, cacheBytes: bytes } = this.#limits;
    this.#cache = new ReplyCache({ entries, bytes });
    this.#servers = (options.servers ?? DEFAULT_DOH_SERVERS).map(dohUrl);
    if (this.#servers.length === 0) {
      throw new TypeError("Cannot resolve without a server: name one");
    }
  }

  /**
   * The answer to a DNS message, for an asker on `transport`: over UDP it is cut to what the query says it takes. Undefined for what must stay
   * unanswered: what is no query at all. Never rejects: a question without an answer is answered with a server failure.
   */
  async answer(
    bytes: Uint8Array,
    transport: DnsTransport = "tcp",
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const query = readQuery(bytes);
    if (query === undefined || query instanceof Uint8Array) return query;
    const own = this.#ownVerdict(query);
    if (own !== undefined) return reply(query, own, transport);
    const asked = serverQuery(query);
    const cached = asked.key && this.#cache.answer(asked.key, query, this.#now(), transport);
    if (cached) return cached;
    try {
      const { reply: found, ageSeconds } = await this.#ask(query, asked);
      return answerFrom(found, query, ageSeconds, transport);
    } catch {
      return reply(query, FAILED, transport);
    }
  }

  /**
   * The addresses of a name, IPv6 first; none when it has none, or does not exist. Rejects with an `Error` when that could not be found out, with
   * a `TypeError` when it is no name of a host.
   */
  async addressesOf(name: string): Promise<string[]> {
    if (!isHostName(name)) throw new TypeError(`Cannot resolve "${name}": it is no name of a host`);
    const found = await Promise.all([TYPE.AAAA, TYPE.A].map((type) => this.#lookUp(name, type)));
    return found.flat();
  }

  /** Gives up every question. Closing twice does nothing; `fetch` is left to its owner. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The resolver was closed", "AbortError"));
    await Promise.allSettled(this.#asking.values());
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  #ownVerdict(query: Query): Verdict | undefined {
    const own = ownVerdict(query, this.#hosts);
    if (own !== undefined) return own;
    const isUseless = query.question.type === TYPE.AAAA && this.#options.hasIpv6?.() === false;
    return isUseless ? NO_DATA : undefined;
  }

  async #lookUp(name: string, type: number): Promise<string[]> {
    const query = encodeMessage({
      id: 0,
      isResponse: false,
      opcode: OPCODE_QUERY,
      authoritative: false,
      truncated: false,
      recursionDesired: true,
      recursionAvailable: false,
      authenticData: false,
      checkingDisabled: false,
      responseCode: 0,
      questions: [{ name, type, class: CLASS_IN }],
      answers: [],
      authorities: [],
      additionals: [],
    });
    const message = parseMessage((await this.answer(query))!);
    const code = typeof message === "string" ? RCODE.FORMERR : message.responseCode;
    if (typeof message === "string" || (code !== RCODE.NOERROR && code !== RCODE.NXDOMAIN)) {
      const word = Object.entries(RCODE).find(([, value]) => value === code)?.[0] ?? code;
      throw new Error(`Could not resolve "${name}": the answer is ${word}`);
    }
    return message.answers.flatMap(({ type: found, data }) =>
      found === type && data.kind === "address" ? [formatIp(data.address)] : []
    );
  }

  async #ask(query: Query, asked: ServerQuery): Promise<DohAnswer> {
    const { questions, waiting } = this.#limits;
    const id = asked.key ?? asked;
    let asking = this.#asking.get(id);
    const isFull = asking === undefined && this.#asking.size >= questions;
    if (isFull || this.#waiting >= waiting || this.#hasJustFailed(asked.key)) throw new Error("no");
    if (asking === undefined) {
      asking = this.#askServers(query, asked).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asking);
    }
    this.#waiting++;
    return await asking.finally(() => this.#waiting--);
  }

  async #askServers({ question }: Query, { bytes, key }: ServerQuery): Promise<DohAnswer> {
    const { timeoutMs, staggerMs } = this.#limits;
    let bad: DohAnswer | undefined;
    const attempt = (url: URL) => async (signal: AbortSignal) => {
      const answer = await askOverHttps(this.#options.fetch, url, bytes, question, signal);
      if (isGood(answer)) return { answer, url };
      bad = answer;
      throw new Error(`${url.host} could not answer`);
    };
    try {
      const attempts = this.#servers.map(attempt);
      const { answer, url } = await withDeadline(
        timeoutMs,
        this.#closing.signal,
        // Once more, for a connection that was kept may have died in the meantime.
        (signal) =>
          race(attempts, staggerMs, signal).catch((error) => {
            if (signal.aborted || bad !== undefined) throw error;
            return race(attempts, staggerMs, signal);
          }),
      );
      if (url !== this.#servers[0]) {
        this.#servers = [url, ...this.#servers.filter((other) => other !== url)];
      }
      if (key !== undefined) this.#cache.put(key, answer.reply, answer.ageSeconds, this.#now());
      return answer;
    } catch (error) {
      if (key !== undefined) this.#noteFailure(key);
      if (bad !== undefined) return bad; // a server's own words say more than ours
      if (!this.#closing.signal.aborted) this.#options.onFailure?.(reasonOf(error));
      throw error;
    }
  }

  #hasJustFailed(key: string | undefined): boolean {
    return key !== undefined && this.#now() < (this.#failed.get(key) ?? -Infinity);
  }

  #noteFailure(key: string): void {
    this.#failed.delete(key);
    this.#failed.set(key, this.#now() + this.#limits.failureTtlMs);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > this.#limits.questions) this.#failed.delete(oldest);
  }
}

/** The other codes are about the server, or about what it could not find out. */
function isGood({ reply: { code } }: DohAnswer): boolean {
  return code === RCODE.NOERROR || code === RCODE.NXDOMAIN;
}

/** Of several failures the first: the preferred server's. */
function reasonOf(error: unknown): Error {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first : new Error(`${first}`);
}

/**
 * Answers that are still true. Time is an argument, in milliseconds of one monotonic clock.
 *
 * @module
 */

import type { DnsTransport, Query } from "./query.ts";
import { answerFrom, type ServerReply } from "./server_reply.ts";

/** Bounds of a cache. */
export interface CacheLimits {
  /** How many answers are kept. */
  readonly entries: number;
  /** How many bytes of answers. */
  readonly bytes: number;
}

/** What we chose: a day of a busy household, and no more than a few pictures' worth of memory. */
export const CACHE_LIMITS: CacheLimits = { entries: 8192, bytes: 4 << 20 };

/** What an entry costs beside its bytes: the key, the offsets, the objects. */
const ENTRY_OVERHEAD_BYTES = 256;

interface Entry {
  readonly reply: ServerReply;
  /** When the server sent it: in the past, when it rested in a cache on its way. */
  readonly bornAt: number;
  readonly goodUntil: number;
}

/** A bounded cache of servers' answers; the longest unused one gives way. */
export class ReplyCache {
  readonly #limits: CacheLimits;
  /** In the order of their use, the longest unused first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** Bounds other than the usual ones. */
  constructor(limits: Partial<CacheLimits> = {}) {
    this.#limits = { ...CACHE_LIMITS, ...limits };
  }

  /** How many answers are kept, those that have become untrue included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keeps what a server said, for as long as that says; `ageSeconds` of it have passed on the way. */
  put(key: string, reply: ServerReply, ageSeconds: number, now: number): void {
    const bornAt = now - ageSeconds * 1000;
    const goodUntil = bornAt + reply.ttlSeconds * 1000;
    this.#delete(key);
    if (goodUntil <= now) return;
    this.#entries.set(key, { reply, bornAt, goodUntil });
    this.#bytes += cost(reply);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return;
      this.#delete(oldest);
    }
  }

  /** The answer to `query`, its TTLs run down; undefined when there is none that is still true. */
  answer(
    key: string,
    query: Query,
    now: number,
    transport: DnsTransport,
  ): Uint8Array<ArrayBuffer> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (now >= entry.goodUntil) {
      this.#bytes -= cost(entry.reply);
      return undefined;
    }
    this.#entries.set(key, entry);
    const ageSeconds = Math.floor((now - entry.bornAt) / 1000);
    return answerFrom(entry.reply, query, ageSeconds, transport);
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= cost(entry.reply);
  }
}

function cost({ bytes }: ServerReply): number {
  return bytes.length + ENTRY_OVERHEAD_BYTES;
}

/**
 * Names as a worker sees them: the main thread answers, so that all workers know the same names. A question is a message there and one back,
 * and so is the name behind a made-up address, once a flow.
 *
 * @module
 */

import type { DnsServer } from "../dns/forwarder.ts";
import type { DnsTransport } from "../dns/query.ts";
import { type HeldName, isFakeAddress, type NameService, NO_NAME } from "../names.ts";
import type { NameFacts, NameMessage, Post, ToWorker } from "./messages.ts";

/** Questions of one worker under way at once; beyond, a datagram stays unanswered, as on a full link. Held names are bounded by the requests. */
const MAX_QUESTIONS = 4096;

/** The names of the main thread. */
export class RemoteNames implements NameService {
  readonly isResolver: boolean;
  readonly takesDatagrams: boolean;
  readonly isFake: (address: Uint8Array) => boolean;
  readonly #post: Post<NameMessage>;
  readonly #questions = new Map<number, (answer: Uint8Array | undefined) => void>();
  readonly #holds = new Map<number, (name: string | undefined) => void>();
  #lastId = 0;
  #isClosed = false;

  /** Asks by `post`; what comes back goes to {@linkcode RemoteNames.take}. */
  constructor(facts: NameFacts, post: Post<NameMessage>) {
    this.isResolver = facts.isResolver;
    this.takesDatagrams = facts.takesDatagrams;
    this.isFake = facts.makesUp ? isFakeAddress : () => false;
    this.#post = post;
  }

  /** Takes an answer of the main thread. */
  take(message: Extract<ToWorker, { readonly type: "answer" | "held" }>): void {
    const { type, id } = message;
    if (type === "answer") {
      this.#questions.get(id)?.(message.answer);
      this.#questions.delete(id);
    } else {
      this.#holds.get(id)?.(message.name);
      this.#holds.delete(id);
    }
  }

  answer(
    query: Uint8Array,
    { hostname, port }: DnsServer,
    transport: DnsTransport,
  ): Promise<Uint8Array | undefined> {
    if (this.#isClosed || this.#questions.size >= MAX_QUESTIONS) return Promise.resolve(undefined);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#questions.set(id, resolve);
      this.#post({ type: "query", id, query, server: { hostname, port }, transport });
    });
  }

  hold(address: Uint8Array): HeldName | Promise<HeldName> {
    if (this.#isClosed || !this.isFake(address)) return NO_NAME;
    const id = ++this.#lastId;
    const release = () => this.#post({ type: "release", id });
    return new Promise((resolve) => {
      this.#holds.set(id, (name) => resolve({ name, [Symbol.dispose]: release }));
      this.#post({ type: "hold", id, address });
    });
  }

  noteIpv6(isRoutable: boolean): void {
    this.#post({ type: "ipv6", isRoutable });
  }

  /** Nobody waits any longer. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#questions.values()) resolve(undefined);
    for (const resolve of this.#holds.values()) resolve(undefined);
    this.#questions.clear();
    this.#holds.clear();
    return Promise.resolve();
  }
}

/**
 * The contexts of one bound tunnel, on either side (draft-ietf-masque-connect-udp-listen-13, sections 3 to 5): which number stands for which peer.
 *
 * A client opens even numbers and the one uncompressed context; a proxy may open odd ones. This one opens none: a client that wants its datagrams
 * shorter asks for it.
 *
 * @module
 */

import type { CapsuleFault } from "./capsule.ts";
import {
  type BindPeer,
  COMPRESSION_ACK,
  COMPRESSION_ASSIGN,
  COMPRESSION_CLOSE,
  encodeAssign,
  encodeContext,
  parseAssign,
  parseContext,
} from "./bind_capsules.ts";

/** Contexts open at once: one for each peer of a large conference. Section 9 asks for a bound; more peers go uncompressed. */
export const MAX_CONTEXTS = 64;

/** Numbers ever used in one tunnel. None may come twice (section 3.1), so they are remembered, and the memory is bounded. */
const MAX_NUMBERS = 4_096;

interface Context {
  readonly id: number;
  /** Absent in the uncompressed context. */
  readonly peer: BindPeer | undefined;
  readonly key: string;
  readonly isOurs: boolean;
  /** The other side has surely heard of it. */
  isShared: boolean;
}

/** What a context number says about its datagrams. */
export type ContextMeaning = { readonly peer: BindPeer | undefined };

/** The key of the uncompressed context among those of the peers. */
const UNCOMPRESSED = "";

/** A peer as a key. */
export function peerKey({ address, port }: BindPeer): string {
  return `${address.join(".")}:${port}`;
}

/** Which side of the tunnel this is, and whom it lets the other one talk to. */
export interface ContextRules {
  readonly side: "client" | "proxy";
  /** Whether a context for this peer is accepted. */
  allows(peer: BindPeer): boolean;
}

/** The table of one side. Capsules to send are returned, never kept. */
export class BindContexts {
  readonly #rules: ContextRules;
  readonly #byId = new Map<number, Context>();
  readonly #byKey = new Map<string, Context>();
  /** Numbers that the other side has used. */
  readonly #used = new Set<number>();
  #next: number;

  /** An empty table. */
  constructor(rules: ContextRules) {
    this.#rules = rules;
    this.#next = rules.side === "client" ? 2 : 1;
  }

  /** Contexts that are open. */
  get size(): number {
    return this.#byId.size;
  }

  /** Opens a context, the uncompressed one without a peer, and returns the capsule that says so; `undefined` when it is open or the table is full. */
  open(peer?: BindPeer): Uint8Array<ArrayBuffer> | undefined {
    const key = peer === undefined ? UNCOMPRESSED : peerKey(peer);
    if (this.#byKey.has(key) || this.#byId.size >= MAX_CONTEXTS) return undefined;
    if (this.#next / 2 >= MAX_NUMBERS) return undefined;
    const id = this.#next;
    this.#next += 2;
    this.#add({ id, peer, key, isOurs: true, isShared: false });
    return encodeAssign(id, peer);
  }

  /** What the number of a datagram that came means; `undefined` when it is of no open context. */
  meaningOf(id: number): ContextMeaning | undefined {
    return this.#byId.get(id);
  }

  /** The number with which a datagram goes to the peer of this key; without one it goes uncompressed. */
  numberFor(key: string): number | undefined {
    return this.#byKey.get(key)?.id;
  }

  /** Whether the other side has surely heard of this context: until then its datagrams stay behind the capsule that opens it. */
  isShared(id: number): boolean {
    return this.#byId.get(id)?.isShared ?? false;
  }

  /** The number of the uncompressed context. */
  get uncompressed(): number | undefined {
    return this.#byKey.get(UNCOMPRESSED)?.id;
  }

  /** Takes a capsule of the other side and returns the one to answer with, if any, or what is wrong with it. */
  take(
    type: number,
    value: Uint8Array,
  ): { readonly answer?: Uint8Array<ArrayBuffer> } | { readonly fault: CapsuleFault } {
    if (type === COMPRESSION_ASSIGN) return this.#takeAssign(value);
    const id = parseContext(value);
    const context = id === undefined ? undefined : this.#byId.get(id);
    if (id === undefined) return { fault: "it names no context in a capsule that needs one" };
    if (type === COMPRESSION_CLOSE) {
      if (context !== undefined) this.#delete(context);
      return {};
    }
    // An ACK may cross our own CLOSE, so a number that we have used is enough.
    const isOurs = id % 2 === this.#next % 2 && id < this.#next;
    if (context?.isOurs) context.isShared = true;
    return isOurs ? {} : { fault: `it accepts the context ${id}, which nobody offered` };
  }

  #takeAssign(value: Uint8Array) {
    const assign = parseAssign(value);
    if (assign === undefined) return { fault: "it opens a context in a malformed way" };
    const { context: id, peer } = assign;
    const isClient = this.#rules.side === "client";
    if (id % 2 === this.#next % 2) {
      return { fault: `it opens the context ${id}, which is not its own` };
    }
    if (this.#used.has(id)) return { fault: `it opens the context ${id} twice` };
    if (peer === undefined && isClient) return { fault: "it opens an uncompressed context" };
    const key = peer === undefined ? UNCOMPRESSED : peerKey(peer);
    const same = this.#byKey.get(key);
    if (same !== undefined && !same.isOurs) {
      return { fault: `it opens a second context for "${key}"` };
    }

    const refusal = { answer: encodeContext(COMPRESSION_CLOSE, id) };
    if (this.#used.size >= MAX_NUMBERS) return refusal;
    this.#used.add(id);
    // Section 3.1: of two for the same peer, the one of the proxy is closed.
    if (same !== undefined && isClient) return refusal;
    if (same !== undefined) this.#delete(same);
    if (this.#byId.size >= MAX_CONTEXTS) return refusal;
    if (peer !== undefined && !this.#rules.allows(peer)) return refusal;
    this.#add({ id, peer, key, isOurs: false, isShared: true });
    return { answer: encodeContext(COMPRESSION_ACK, id) };
  }

  #add(context: Context): void {
    this.#byId.set(context.id, context);
    this.#byKey.set(context.key, context);
  }

  #delete(context: Context): void {
    this.#byId.delete(context.id);
    this.#byKey.delete(context.key);
  }
}

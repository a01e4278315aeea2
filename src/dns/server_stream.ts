/**
 * A connection to a DNS server over a stream, shared by many askers: ids are ours on it (RFC 7766, section 6.2.1).
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import type { DnsStream } from "./serve.ts";
import { frameMessage, MessageSplitter } from "./stream.ts";

/** Ids have 16 bits; a server would refuse long before. */
const MAX_PENDING = 4096;
/** RFC 7766, section 6.2.3: an idle connection goes after a few seconds. */
const IDLE_TIMEOUT_MS = 10_000;

interface Asker {
  readonly id: number;
  readonly resolve: (answer: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/** One connection. It ends by itself when nobody asks for a while. */
export class ServerStream {
  /** Settles when it takes no more questions. */
  readonly closed: Promise<void>;
  readonly #stream: DnsStream;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #asking = new Map<number, Asker>();
  #nextId = 0;
  #isClosed = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the stream over. */
  constructor(stream: DnsStream) {
    this.#stream = stream;
    this.#writer = stream.writable.getWriter();
    this.#writer.closed.catch(() => {}); // reading tells
    this.closed = this.#listen();
    this.#rest();
  }

  /** The answer to `query`, with the query's id. Rejects with an `Error` when the connection ends first, and with the signal's reason. */
  async ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal.throwIfAborted();
    if (this.#isClosed || this.#asking.size >= MAX_PENDING) throw new Error("no room");
    clearTimeout(this.#idleTimer);
    while (this.#asking.has(this.#nextId)) this.#nextId = (this.#nextId + 1) & 0xffff;
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    this.#asking.set(id, { id: getU16(query, 0), resolve, reject });
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      const framed = frameMessage(query);
      setU16(framed, framed.length - query.length, id);
      this.#writer.write(framed).catch(reject);
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#asking.delete(id);
      if (this.#asking.size === 0) this.#rest();
    }
  }

  /** Ends the connection; who still waits hears of it. */
  async close(): Promise<void> {
    await this.#writer.abort().catch(() => {});
    await this.closed;
  }

  async #listen(): Promise<void> {
    const splitter = new MessageSplitter();
    try {
      for await (const chunk of this.#stream.readable) {
        const answers = splitter.push(chunk);
        if (typeof answers === "string") break;
        for (const answer of answers) this.#take(answer);
      }
    } catch {
      // A reset ends it as an end does.
    }
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    for (const { reject } of this.#asking.values()) {
      reject(new Error("the server ended the connection"));
    }
    await this.#writer.abort().catch(() => {});
  }

  #take(answer: Uint8Array<ArrayBuffer>): void {
    const asker = this.#asking.get(getU16(answer, 0));
    if (asker === undefined) return; // too late, or never asked
    setU16(answer, 0, asker.id);
    asker.resolve(answer);
  }

  #rest(): void {
    if (!this.#isClosed) this.#idleTimer = setTimeout(() => void this.close(), IDLE_TIMEOUT_MS);
  }
}

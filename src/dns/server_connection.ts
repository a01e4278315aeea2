/**
 * A connection to a DNS server, shared by many askers: a stream, or datagrams.
 *
 * @module
 */

import { Exchange } from "./exchange.ts";
import type { DnsStream } from "./serve.ts";
import { frameMessage, MessageSplitter } from "./stream.ts";

/** Both directions to a server: bytes of a stream, or one chunk a datagram. */
export interface DnsChannel extends DnsStream {
  /** Which of the two. */
  readonly kind: "stream" | "datagrams";
}

/** One connection. It ends by itself when nobody asks for a while. */
export class ServerConnection {
  /** Settles when it takes no more questions. */
  readonly closed: Promise<void>;
  readonly #channel: DnsChannel;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #exchange = new Exchange(() => void this.close());

  /** Takes the channel over. */
  constructor(channel: DnsChannel) {
    this.#channel = channel;
    this.#writer = channel.writable.getWriter();
    this.#writer.closed.catch(() => {}); // reading tells
    this.closed = this.#listen();
  }

  /** The answer to `query`. Rejects with an `Error` when the connection ends first, and with the signal's reason. */
  ask(query: Uint8Array, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const isStream = this.#channel.kind === "stream";
    const send = (bytes: Uint8Array<ArrayBuffer>) =>
      this.#writer.write(isStream ? frameMessage(bytes) : bytes);
    return this.#exchange.ask(query, send, signal);
  }

  /** Ends the connection; who still waits hears of it. */
  async close(): Promise<void> {
    await this.#writer.abort().catch(() => {});
    await this.closed;
  }

  async #listen(): Promise<void> {
    const splitter = new MessageSplitter();
    const cut = (chunk: Uint8Array<ArrayBuffer>) =>
      this.#channel.kind === "stream" ? splitter.push(chunk) : [chunk];
    try {
      for await (const chunk of this.#channel.readable) {
        const answers = cut(chunk);
        if (typeof answers === "string") break;
        for (const answer of answers) this.#exchange.take(answer);
      }
    } catch {
      // A reset ends it as an end does.
    }
    this.#exchange.end();
    await this.#writer.abort().catch(() => {});
  }
}

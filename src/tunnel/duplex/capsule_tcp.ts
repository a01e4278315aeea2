/**
 * A TCP tunnel inside capsules (draft-ietf-httpbis-connect-tcp), over any two byte streams: a connection after a 101, an HTTP/2 or
 * HTTP/3 stream, the two bodies of a `fetch`.
 *
 * The streams beneath stay open in both directions until both FINs have been said in capsules: so a half-close passes where whatever stands
 * between knows of none, and what stops without a FIN was reset.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { unanswered } from "../../masque/outcome.ts";
import { encodeData, TcpCapsuleReader } from "../../masque/tcp_capsules.ts";
import { resetError, words } from "./duplex_tunnel.ts";
import type { OpenTunnel, TunnelEnd } from "../tunnel.ts";

/** How long the proxy may take to end its stream once both FINs have been said. */
const LINGER_MS = 2_000;

/** Capsules as bytes, in both directions. An error of either stream is the end of both. */
export interface CapsuleBytes {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Settles when nothing of them is left; unless given, when both streams have ended. */
  readonly closed?: Promise<unknown>;
  /** Breaks off what carries them, where erring the two streams is not enough. */
  reset?(reason: unknown): void;
}

/** The streams of the tunnel inside. It takes over both streams of `bytes`. */
export function capsuleTcp(
  bytes: CapsuleBytes,
): Pick<OpenTunnel, "readable" | "writable" | "closed"> {
  return new CapsuleTcp(bytes);
}

class CapsuleTcp {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly closed: Promise<TunnelEnd>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #capsules: TcpCapsuleReader;
  readonly #reset: CapsuleBytes["reset"];
  #input!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #output!: WritableStreamDefaultController;
  /** Counts what a read brought: a pull goes on until it was something. */
  #brought = 0;
  #isWritten = false;
  /** Why the tunnel broke; the first reason wins. */
  #failure: unknown = undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor({ readable, writable, closed, reset }: CapsuleBytes) {
    this.#reset = reset;
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#capsules = new TcpCapsuleReader({
      data: (bytes) => {
        this.#brought++;
        this.#input.enqueue(bytes);
      },
      end: () => {
        this.#brought++;
        this.#input.close();
      },
    });
    this.readable = new ReadableStream({
      start: (controller) => void (this.#input = controller),
      pull: () => this.#pull(),
      cancel: (reason) => this.#break(reason),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({
      start: (controller) => {
        this.#output = controller;
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#break(signal.reason));
      },
      write: (chunk) => chunk.length > 0 ? this.#writer.write(encodeData(chunk)) : undefined,
      close: () => this.#end(),
    });
    this.#reader.closed.catch((error) => this.#break(error));
    // Once our FIN is out, a proxy that has finished may drop our stream before we have read the rest of its own.
    this.#writer.closed.catch((error) => this.#isWritten || this.#break(error));
    const ends = [this.#reader.closed, this.#writer.closed];
    this.closed = (closed ?? Promise.allSettled(ends)).then(() => this.#ended());
  }

  async #pull(): Promise<void> {
    const before = this.#brought;
    while (this.#brought === before && this.#failure === undefined) {
      const { done, value } = await this.#reader.read();
      const fault = done ? this.#capsules.end() : this.#capsules.push(value);
      if (fault !== undefined) {
        const detail = `The proxy cut the tunnel off: ${fault}`;
        this.#break(new ProxyError(unanswered("connection_terminated", detail)));
      }
    }
    if (this.#capsules.isFinal) this.#finish();
  }

  async #end(): Promise<void> {
    await this.#writer.write(encodeData(new Uint8Array(0), true));
    this.#isWritten = true;
    this.#finish();
  }

  /** One direction has ended; with both, the streams beneath end, too. */
  #finish(): void {
    if (!this.#isWritten || !this.#capsules.isFinal || this.#failure !== undefined) return;
    void this.#drain();
    this.#linger = setTimeout(() => this.#release(), LINGER_MS);
    this.#writer.close().catch(() => {});
  }

  /** Capsules may follow the FIN, and none of them is known here. */
  async #drain(): Promise<void> {
    try {
      while (!(await this.#reader.read()).done);
    } catch {
      // Both directions have ended: whatever becomes of the streams beneath, nothing is lost.
    }
  }

  #break(reason: unknown): void {
    if (this.#isWritten && this.#capsules.isFinal) return;
    this.#failure ??= reason ?? resetError();
    if (!this.#capsules.isFinal) this.#input.error(this.#failure);
    if (!this.#isWritten) this.#output.error(this.#failure);
    this.#release();
  }

  #release(): void {
    this.#writer.abort(this.#failure).catch(() => {});
    this.#reader.cancel(this.#failure).catch(() => {});
    this.#reset?.(this.#failure);
  }

  #ended(): TunnelEnd {
    clearTimeout(this.#linger);
    if (this.#isWritten && this.#capsules.isFinal) return { reason: "finished", detail: "" };
    this.#break(resetError());
    return { reason: "reset", detail: words(this.#failure) };
  }
}

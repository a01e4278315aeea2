/**
 * The two directions of a `node:stream` duplex (a socket, an HTTP/2 stream) as Web Streams that keep what TCP means:
 * an end is not a reset, each direction ends by itself, and nobody buffers what nobody asked for.
 *
 * By hand, because `Readable.toWeb` ends a stream that was reset, and buffers ahead without a bound in bytes.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors.ts";
import { unanswered } from "../../masque/outcome.ts";
import type { OpenTunnel, TunnelEnd } from "../tunnel.ts";

/** A way for HTTP Datagrams beside the stream: QUIC DATAGRAM frames. */
export interface DatagramPath {
  /** Sends `payload` behind `context` and `prefix`; false when it does not fit, so that it has to go as a capsule. It is copied before this returns. */
  send(context: number, payload: Uint8Array, prefix?: Uint8Array): boolean;
  /** Hands over HTTP Datagrams from now on. */
  receive(take: (datagram: Uint8Array<ArrayBuffer>) => void): void;
  /** Datagrams that surely did not leave. */
  readonly lost: number;
}

/** What a duplex cannot say by itself. */
export interface DuplexTunnelOptions {
  /** Bytes that came along with the answer's head. */
  readonly initial?: Uint8Array<ArrayBuffer>;
  /** Asked when the duplex says `end`: whether the peer said so, and the stream was not merely torn down. */
  readonly endedInOrder: () => boolean;
  /** Breaks the duplex off, so that the peer sees a reset and no end before it. */
  readonly reset: () => void;
  /** Stops and starts reading, when the duplex's own `pause` and `resume` are not the way. */
  readonly pause?: () => void;
  readonly resume?: () => void;
  /** Where HTTP Datagrams may go beside the stream. */
  readonly datagrams?: DatagramPath;
  /** Breaks the tunnel off. */
  readonly signal?: AbortSignal;
}

/**
 * Read ahead of the reader: one read of the socket while the one before it is passed on. Twice that measured no faster.
 */
const READ_AHEAD_BYTES = 65_536;

/** The streams of an open tunnel. Attach them in the very turn in which the answer came, or bytes may go by. */
export function duplexTunnel(
  duplex: Duplex,
  options: DuplexTunnelOptions,
): Pick<OpenTunnel, "readable" | "writable" | "closed"> {
  return new DuplexTunnel(duplex, options);
}

/** The same bytes as a plain array: `slice` copies on those and does not on a Buffer. */
export function plain(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

class DuplexTunnel {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly closed: Promise<TunnelEnd>;

  readonly #duplex: Duplex;
  readonly #options: DuplexTunnelOptions;
  #input!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #output!: WritableStreamDefaultController;
  #reading = true;
  #writing = true;
  /** Why the tunnel broke; the first reason wins. */
  #failure: unknown = undefined;
  /** Fails the write under way. */
  #giveUp: ((reason: unknown) => void) | undefined;

  constructor(duplex: Duplex, options: DuplexTunnelOptions) {
    this.#duplex = duplex;
    this.#options = options;
    const { resume = () => void duplex.resume() } = options;
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#input = controller;
        if (options.initial?.length) controller.enqueue(options.initial);
      },
      pull: () => resume(),
      cancel: (reason) => this.#break(reason),
    }, { highWaterMark: READ_AHEAD_BYTES, size: (chunk) => chunk.length });
    this.writable = new WritableStream({
      start: (controller) => {
        this.#output = controller;
        // Not the sink's `abort`: that one waits for the write under way, which a stalled peer may never let settle.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#break(signal.reason));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
    });
    this.closed = new Promise((resolve) => this.#listen(resolve));
  }

  #listen(resolve: (end: TunnelEnd) => void): void {
    const duplex = this.#duplex;
    const { signal, pause = () => void duplex.pause() } = this.#options;
    const abort = () => this.#break(signal?.reason);
    const pauseWhenFull = () => {
      if (this.#reading && this.#input.desiredSize! <= 0) pause();
    };
    duplex.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
      if (!this.#reading) return;
      this.#input.enqueue(plain(bytes));
      // Not at once: a reader that waits takes the bytes first.
      if (this.#input.desiredSize! <= 0) queueMicrotask(pauseWhenFull);
    });
    duplex.on("end", () => {
      if (!this.#reading || !this.#options.endedInOrder()) return; // then `close` tells
      this.#reading = false;
      this.#input.close();
    });
    duplex.on("error", (error: Error) => this.#failure ??= resetError(error));
    duplex.once("close", () => {
      signal?.removeEventListener("abort", abort);
      this.#giveUp?.(this.#failure ??= resetError());
      const finished = this.#failure === undefined && !this.#reading && !this.#writing;
      if (!finished) this.#break(resetError());
      resolve(
        finished
          ? { reason: "finished", detail: "" }
          : { reason: "reset", detail: words(this.#failure) },
      );
    });
    if (duplex.destroyed || signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener("abort", abort);
    pauseWhenFull();
  }

  #write(chunk: Uint8Array<ArrayBuffer>): Promise<void> | void {
    if (chunk.length > 0) return this.#settle((done) => this.#duplex.write(chunk, done));
  }

  async #end(): Promise<void> {
    await this.#settle((done) => this.#duplex.end(done));
    this.#writing = false;
  }

  /** One write or end under way; it fails at the latest when the duplex closes. */
  #settle(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      start((error) => {
        this.#giveUp = undefined;
        if (error) reject(this.#failure ??= resetError(error));
        else resolve();
      });
    });
  }

  /** Breaks both directions off, unless both have ended. */
  #break(reason: unknown): void {
    this.#failure ??= reason ?? resetError();
    if (this.#reading) this.#input.error(this.#failure);
    if (this.#writing) this.#output.error(this.#failure);
    this.#reading = this.#writing = false;
    this.#options.reset();
  }
}

/** What a tunnel's streams fail with when nobody said why. */
export function resetError(cause?: Error): ProxyError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  const outcome = unanswered("connection_terminated", `The tunnel was reset${why}`);
  return new ProxyError(outcome, { cause });
}

/** A failure in the operator's words. */
export function words(failure: unknown): string {
  return failure instanceof Error ? failure.message : `The tunnel was broken off: ${failure}`;
}

/**
 * The two directions of a `node:stream` duplex (a socket, an HTTP/2 stream) as Web Streams that keep what TCP means:
 * an end is not a reset, each direction ends by itself, and nobody buffers what nobody asked for.
 *
 * By hand, because `Readable.toWeb` ends a stream that was reset, and buffers ahead without a bound in bytes.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { type ByteEnd, type ByteListener, ByteStreams, type NoBytes } from "../../byte_end.ts";
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

type Bytes = Uint8Array<ArrayBuffer>;

/** Of all tunnels in which nothing waits. */
const NOTHING: Bytes[] = [];

/** The same bytes as a plain array: `slice` copies on those and does not on a Buffer. */
export function plain(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Where a duplex keeps its tunnel, for its listeners. */
const TUNNEL = Symbol("tunnel");

type Carrier = Duplex & { [TUNNEL]?: DuplexTunnel };

/** An open tunnel over a duplex. Make it in the very turn in which the answer came, or bytes may go by. */
export class DuplexTunnel implements OpenTunnel, ByteEnd<TunnelEnd> {
  readonly status: number;
  readonly headers: Headers;
  readonly #duplex: Duplex;
  readonly #options: DuplexTunnelOptions;
  #listener: ByteListener | undefined;
  #closed: Promise<TunnelEnd> | undefined;
  #settleClosed: ((end: TunnelEnd) => void) | undefined;
  /** What came and was not read; mostly nothing, for a listener reads at once. */
  #waiting: Bytes[] = NOTHING;
  #waitingBytes = 0;
  #isPaused = false;
  #reading = true;
  #writing = true;
  outcome: TunnelEnd | undefined;
  /** Why the tunnel broke; the first reason wins. */
  failure: unknown = undefined;
  #isBroken = false;
  isCut = false;

  /** `status` and `headers` are those of the answer. */
  constructor(duplex: Duplex, status: number, headers: Headers, options: DuplexTunnelOptions) {
    this.#duplex = duplex;
    this.status = status;
    this.headers = headers;
    this.#options = options;
    const { initial, signal } = options;
    if (initial?.length) this.#arrive(initial);
    (duplex as Carrier)[TUNNEL] = this;
    duplex.on("data", DuplexTunnel.#onData);
    duplex.on("end", DuplexTunnel.#onEnd);
    duplex.on("error", DuplexTunnel.#onError);
    duplex.on("close", DuplexTunnel.#onClose);
    if (duplex.destroyed || signal?.aborted) queueMicrotask(() => this.handleEvent());
    else signal?.addEventListener("abort", this);
    if (this.#waitingBytes < READ_AHEAD_BYTES) this.#resume();
  }

  get ok(): true {
    return true;
  }

  get bytes(): ByteEnd<TunnelEnd> {
    return this;
  }

  get readable(): ReadableStream<Bytes> {
    return this.#streams().readable;
  }

  get writable(): WritableStream<Bytes> {
    return this.#streams().writable;
  }

  #streams(): ByteStreams {
    return this.#listener instanceof ByteStreams ? this.#listener : new ByteStreams(this);
  }

  get closed(): Promise<TunnelEnd> {
    return this.#closed ??= this.outcome === undefined
      ? new Promise((resolve) => this.#settleClosed = resolve)
      : Promise.resolve(this.outcome);
  }

  listen(listener: ByteListener): void {
    if (this.#listener !== undefined) {
      throw new TypeError("Cannot take the bytes of a tunnel twice: use its streams or its bytes");
    }
    this.#listener = listener;
    if (this.#isBroken) listener.onBroken();
    if (this.outcome !== undefined) listener.onClosed();
  }

  read(): Bytes | NoBytes {
    const chunk = this.#waiting.shift();
    if (chunk === undefined) return this.isCut ? "reset" : this.#reading ? "wait" : "end";
    if (this.#waiting.length === 0) this.#waiting = NOTHING;
    this.#waitingBytes -= chunk.length;
    if (this.#isPaused && this.#waitingBytes < READ_AHEAD_BYTES) this.#resume();
    return chunk;
  }

  write(chunk: Bytes): boolean {
    if (chunk.length === 0 || !this.#writing) return true;
    this.#duplex.write(chunk, (error) => this.#sent(error));
    return false;
  }

  end(): boolean {
    if (!this.#writing) return true;
    this.#duplex.end((error?: Error | null) => {
      if (!error) this.#writing = false;
      this.#sent(error);
    });
    return false;
  }

  stopReading(reason: unknown): void {
    this.break(reason);
  }

  /** Breaks both directions off, unless both have ended. */
  break(reason: unknown): void {
    this.failure ??= reason ?? resetError();
    if (this.#reading) {
      this.isCut = true;
      this.#waiting = NOTHING;
      this.#waitingBytes = 0;
    }
    const isNews = this.#reading || this.#writing;
    this.#isBroken ||= isNews;
    this.#reading = this.#writing = false;
    this.#options.reset();
    if (isNews) this.#listener?.onBroken();
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.break(this.#options.signal?.reason);
  }

  /** A write or end is over; one that failed is told when the duplex closes, at the latest. */
  #sent(error?: Error | null): void {
    if (error) this.failure ??= resetError(error);
    else this.#listener?.onWritable();
  }

  // One function of each for all tunnels, and not a closure for each of them.
  static #onData(this: Carrier, bytes: Bytes): void {
    this[TUNNEL]!.#arrive(plain(bytes));
  }

  static #onEnd(this: Carrier): void {
    this[TUNNEL]!.#endReading();
  }

  static #onError(this: Carrier, error: Error): void {
    this[TUNNEL]!.failure ??= resetError(error);
  }

  static #onClose(this: Carrier): void {
    this[TUNNEL]!.#close();
  }

  #arrive(bytes: Bytes): void {
    if (!this.#reading) return;
    if (this.#waiting === NOTHING) this.#waiting = [];
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#listener?.onReadable();
    // Not at once: a reader that waits takes the bytes first.
    if (this.#waitingBytes >= READ_AHEAD_BYTES) queueMicrotask(() => this.#pauseWhenFull());
  }

  #pauseWhenFull(): void {
    if (!this.#reading || this.#isPaused || this.#waitingBytes < READ_AHEAD_BYTES) return;
    this.#isPaused = true;
    if (this.#options.pause === undefined) this.#duplex.pause();
    else this.#options.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    if (this.#options.resume === undefined) this.#duplex.resume();
    else this.#options.resume();
  }

  #endReading(): void {
    if (!this.#reading || !this.#options.endedInOrder()) return; // then `close` tells
    this.#reading = false;
    this.#listener?.onReadable();
  }

  #close(): void {
    this.#options.signal?.removeEventListener("abort", this);
    const finished = this.failure === undefined && !this.#reading && !this.#writing;
    if (!finished) this.break(resetError());
    this.outcome = finished
      ? { reason: "finished", detail: "" }
      : { reason: "reset", detail: words(this.failure) };
    this.#listener?.onClosed();
    this.#settleClosed?.(this.outcome);
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

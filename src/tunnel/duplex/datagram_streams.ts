/**
 * The two Web Streams of a tunnel for datagrams.
 *
 * @module
 */

import { Inbox, type Kind } from "./inbox.ts";

/** Where the streams lead. */
export interface DatagramSink<O> {
  /** Sends one; never waits. */
  send(datagram: O): void;
  /** Ends the tunnel behind what was sent. */
  end(): void;
  /** Resets the tunnel. */
  break(reason: unknown): void;
}

/** A readable and a writable stream of datagrams. */
export class DatagramStreams<D, O> {
  readonly readable: ReadableStream<D>;
  readonly writable: WritableStream<O>;
  readonly #inbox: Inbox<D>;
  #output!: WritableStreamDefaultController;

  /** `kind` says how datagrams wait for a reader. */
  constructor(kind: Kind<D>, sink: DatagramSink<O>) {
    this.#inbox = new Inbox(kind, (reason) => sink.break(reason));
    this.readable = this.#inbox.readable;
    this.writable = new WritableStream({
      start: (controller) => {
        this.#output = controller;
        const { signal } = controller;
        signal.addEventListener("abort", () => sink.break(signal.reason));
      },
      write: (datagram) => sink.send(datagram),
      close: () => sink.end(),
    });
  }

  /** Datagrams that nobody took in time. */
  get dropped(): number {
    return this.#inbox.dropped;
  }

  /** A datagram for the reader. */
  push(datagram: D): void {
    this.#inbox.push(datagram);
  }

  /** The tunnel is over: in order, or because of `failure`. */
  ended(failure: unknown): void {
    if (failure === undefined) this.#inbox.close();
    else this.#inbox.error(failure);
    // A writer learns of either end by an error; a stream that was closed already stays closed.
    this.#output.error(failure ?? new TypeError("Cannot write into a tunnel that has ended"));
  }
}

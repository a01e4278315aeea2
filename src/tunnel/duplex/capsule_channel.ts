/**
 * Capsules over a `node:stream` duplex (a socket after the 101, an HTTP/2 stream): never a wait in either direction. What comes is
 * taken apart at once; what leaves waits in a bounded queue while a write is under way, and then leaves in one write.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors.ts";
import { CapsuleParser, type CapsuleRules, DATAGRAM_CAPSULE } from "../../masque/capsule.ts";
import { CapsuleQueue } from "../../masque/capsule_queue.ts";
import { unanswered } from "../../masque/outcome.ts";
import { type DuplexTunnelOptions, plain, resetError, words } from "./duplex_tunnel.ts";
import type { TunnelEnd } from "../tunnel.ts";

/** How long the proxy may take to end its direction after we have ended ours. UDP has no half-close that a program could want to use. */
const LINGER_MS = 2_000;

/** What the channel tells its owner. */
export interface ChannelEvents extends CapsuleRules {
  /** What came in one read has been handed over. */
  batchEnd(): void;
  /** It is over: in order, or because of `failure`. Called once. */
  ended(failure: unknown): void;
}

/** One stream of capsules in each direction. */
export class CapsuleChannel {
  /** What leaves at the next {@linkcode wake}. */
  readonly queue: CapsuleQueue = new CapsuleQueue();
  /** Settles when the stream has closed. */
  readonly closed: Promise<TunnelEnd>;
  readonly #duplex: Duplex;
  readonly #options: DuplexTunnelOptions;
  readonly #events: ChannelEvents;
  readonly #parser: CapsuleParser;
  #isAwake = false;
  #isWriting = false;
  /** `open`, then `ending` until the queue is empty, then `ended`; `over` once the owner was told. */
  #state: "open" | "ending" | "ended" | "over" = "open";
  #isPeerDone = false;
  #failure: unknown = undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;

  /** Attach it in the very turn in which the answer came, and {@linkcode start} it there, or bytes may go by. */
  constructor(duplex: Duplex, options: DuplexTunnelOptions, events: ChannelEvents) {
    this.#duplex = duplex;
    this.#options = options;
    this.#events = events;
    this.#parser = new CapsuleParser(events);
    this.closed = new Promise((resolve) => this.#listen(resolve));
  }

  /** Whether something can still be sent. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Datagrams that were dropped because too much waited. */
  get dropped(): number {
    return this.queue.dropped + (this.#options.datagrams?.lost ?? 0);
  }

  /** Takes in what came along with the answer's head. */
  start(): void {
    this.#options.datagrams?.receive((datagram) => this.#takeDatagram(datagram));
    const { initial } = this.#options;
    if (initial?.length) this.#take(initial);
    if (this.#options.resume === undefined) this.#duplex.resume();
    else this.#options.resume();
  }

  /** Sends a datagram, beside the stream where it fits there, and as a capsule otherwise. See `CapsuleQueue.push`. */
  send(context: number | undefined, payload: Uint8Array, prefix?: Uint8Array): void {
    if (context !== undefined && this.#options.datagrams?.send(context, payload, prefix)) return;
    this.queue.push(context, payload, prefix);
    this.wake();
  }

  /** Something waits in the queue: it leaves at the end of this turn. */
  wake(): void {
    if (this.#isAwake || this.#isWriting) return;
    this.#isAwake = true;
    queueMicrotask(this.#flush);
  }

  /** Ends our direction behind what waits. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.wake();
  }

  /** Breaks it off. */
  break(reason: unknown): void {
    this.#failure ??= reason ?? resetError();
    this.#finish();
    this.#options.reset();
  }

  readonly #flush = (): void => {
    this.#isAwake = false;
    if (this.#isWriting || this.#state === "over") return;
    const bytes = this.queue.take();
    if (bytes !== undefined) {
      this.#isWriting = true;
      this.#duplex.write(bytes, this.#written);
    } else if (this.#state === "ending") {
      this.#state = "ended";
      this.#duplex.end();
      if (!this.#isPeerDone) this.#linger = setTimeout(() => this.#options.reset(), LINGER_MS);
    }
  };

  /** An error of the write is told by `close`, too. */
  readonly #written = (): void => {
    this.#isWriting = false;
    this.#flush();
  };

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#state === "over" || this.#isPeerDone) return;
    const fault = this.#parser.push(bytes);
    this.#events.batchEnd();
    if (fault !== undefined) this.#fail(fault);
  }

  #takeDatagram(datagram: Uint8Array<ArrayBuffer>): void {
    if (this.#state === "over" || this.#isPeerDone) return;
    if (datagram.length > this.#events.maxLength(DATAGRAM_CAPSULE)) return; // longer than UDP has them
    const fault = this.#events.capsule(DATAGRAM_CAPSULE, datagram);
    this.#events.batchEnd();
    if (fault !== undefined) this.#fail(fault);
  }

  #fail(fault: string): void {
    const detail = `The proxy broke the Capsule Protocol: ${fault}`;
    this.break(new ProxyError(unanswered("proxy_internal_error", detail)));
  }

  #listen(resolve: (end: TunnelEnd) => void): void {
    const duplex = this.#duplex;
    const { signal } = this.#options;
    const abort = () => this.break(signal?.reason);
    duplex.on("data", (bytes: Uint8Array<ArrayBuffer>) => this.#take(plain(bytes)));
    duplex.on("end", () => {
      if (this.#state === "over" || !this.#options.endedInOrder()) return; // then `close` tells
      const fault = this.#parser.end();
      if (fault !== undefined) return this.#fail(fault);
      this.#isPeerDone = true;
      clearTimeout(this.#linger);
      this.end();
    });
    duplex.on("error", (error: Error) => {
      if (this.#state !== "ended") this.#failure ??= resetError(error);
    });
    duplex.once("close", () => {
      signal?.removeEventListener("abort", abort);
      // After our own end, the proxy may end its direction in whatever way it likes.
      const isInOrder = this.#isPeerDone || this.#state === "ended";
      if (!isInOrder) this.#failure ??= resetError();
      this.#finish();
      resolve(
        this.#failure === undefined
          ? { reason: "finished", detail: "" }
          : { reason: "reset", detail: words(this.#failure) },
      );
    });
    if (duplex.destroyed || signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener("abort", abort);
  }

  #finish(): void {
    if (this.#state === "over") return;
    clearTimeout(this.#linger);
    this.#state = "over";
    this.#events.ended(this.#failure);
  }
}

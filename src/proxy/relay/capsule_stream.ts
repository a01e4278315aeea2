/**
 * Capsules between a client and the proxy, whatever carries their bytes. Nobody waits: what the client does not take in time is dropped,
 * oldest first.
 *
 * @module
 */

import { CapsuleParser, type CapsuleRules, DATAGRAM_CAPSULE } from "../../masque/capsule.ts";
import { CapsuleQueue } from "../../masque/capsule_queue.ts";

/** The client's connection or stream. */
export interface CapsuleTransport {
  /** Writes, and calls `done` once more may be written. Never fails: a broken transport tells its reader. */
  write(bytes: Uint8Array<ArrayBuffer>, done: () => void): void;
  /** Ends our direction behind what was written. */
  end(): void;
  /** Breaks both directions off. */
  reset(): void;
  /** Sends an HTTP Datagram beside the stream; false when it does not fit, so that it has to go as a capsule. Absent where there is no such way. */
  datagram?(context: number, payload: Uint8Array, prefix?: Uint8Array): boolean;
}

/** One stream of capsules in each direction. */
export class CapsuleStream {
  /** What leaves at the next {@linkcode flush}. */
  readonly queue: CapsuleQueue = new CapsuleQueue();
  readonly #transport: CapsuleTransport;
  readonly #rules: CapsuleRules;
  readonly #parser: CapsuleParser;
  readonly #idleMs: number;
  readonly #onOver: () => void;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #activeAt = 0;
  #isWriting = false;
  /** `waiting` for the head of the answer, which goes first; `ending` until the queue is empty. */
  #state: "waiting" | "open" | "ending" | "over" = "waiting";

  /** `onOver` is told once, when nothing is taken any more. */
  constructor(
    transport: CapsuleTransport,
    rules: CapsuleRules,
    idleMs: number,
    onOver: () => void,
  ) {
    this.#transport = transport;
    this.#rules = rules;
    this.#parser = new CapsuleParser(rules);
    this.#idleMs = idleMs;
    this.#onOver = onOver;
  }

  /** The answer's head is on its way: from now on the stream carries, until it was silent for too long. */
  start(): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    this.#activeAt = performance.now();
    this.#watch(this.#idleMs);
    this.flush();
  }

  /** Sends a datagram, beside the stream where it fits there. What waits as a capsule leaves at the next {@linkcode flush}. */
  send(context: number | undefined, payload: Uint8Array, prefix?: Uint8Array): void {
    if (this.#state === "open" && context !== undefined) {
      if (this.#transport.datagram?.(context, payload, prefix)) {
        this.#activeAt = performance.now();
        return;
      }
    }
    this.queue.push(context, payload, prefix);
  }

  /** An HTTP Datagram of the client's that came beside the stream. */
  takeDatagram(datagram: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    this.#activeAt = performance.now();
    if (datagram.length > this.#rules.maxLength(DATAGRAM_CAPSULE)) return; // longer than UDP has them
    if (this.#rules.capsule(DATAGRAM_CAPSULE, datagram) !== undefined) this.break();
  }

  /** Bytes from the client. */
  take(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    this.#activeAt = performance.now();
    if (this.#parser.push(bytes) !== undefined) this.break();
    else this.flush();
  }

  /** The client has ended its direction, and with it the tunnel. */
  takeEnd(): void {
    if (this.#parser.end() !== undefined) this.break();
    else this.end();
  }

  /** Lets leave what waits. */
  readonly flush = (): void => {
    if (this.#isWriting || this.#state === "waiting" || this.#state === "over") return;
    const bytes = this.queue.take();
    if (bytes === undefined) {
      if (this.#state === "ending") this.#finish(() => this.#transport.end());
      return;
    }
    this.#activeAt = performance.now();
    this.#isWriting = true;
    this.#transport.write(bytes, this.#written);
  };

  /** Ends the tunnel behind what waits. */
  end(): void {
    if (this.#state === "over") return;
    this.#state = "ending";
    this.flush();
  }

  /** Breaks the tunnel off. */
  break(): void {
    if (this.#state !== "over") this.#finish(() => this.#transport.reset());
  }

  readonly #written = (): void => {
    this.#isWriting = false;
    this.flush();
  };

  #finish(act: () => void): void {
    this.#state = "over";
    clearTimeout(this.#idle);
    act();
    this.#onOver();
  }

  #watch(ms: number): void {
    this.#idle = setTimeout(() => {
      const left = this.#activeAt + this.#idleMs - performance.now();
      if (left > 0) this.#watch(left);
      else this.end();
    }, ms);
  }
}

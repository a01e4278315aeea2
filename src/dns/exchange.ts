/**
 * Who waits for which answer, on a connection that many askers share: ids are ours on it (RFC 7766, section 6.2.1), so that
 * two askers with one id do not meet.
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { parseHeader } from "./message.ts";

/** Ids have 16 bits, and a server would refuse long before. */
const MAX_PENDING = 4096;
/** RFC 7766, section 6.2.3: an idle connection goes after a few seconds. */
const IDLE_TIMEOUT_MS = 10_000;

interface Asker {
  readonly id: number;
  readonly resolve: (answer: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/** The askers of one connection. */
export class Exchange {
  readonly #onIdle: () => void;
  readonly #askers = new Map<number, Asker>();
  #nextId = 0;
  #isOver = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** `onIdle` is called when nobody asked for a while. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
    this.#rest();
  }

  /**
   * Hands the query to `send`, with an id of ours, and resolves with its answer, with its own. Rejects with an `Error` when the connection
   * ends first, and with the signal's reason.
   */
  async ask(
    query: Uint8Array,
    send: (query: Uint8Array<ArrayBuffer>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    signal.throwIfAborted();
    if (this.#isOver || this.#askers.size >= MAX_PENDING) throw new Error("There is no room");
    clearTimeout(this.#idleTimer);
    const id = this.#takeId();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    this.#askers.set(id, { id: getU16(query, 0), resolve, reject });
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      const renamed = new Uint8Array(query);
      setU16(renamed, 0, id);
      send(renamed).catch(reject);
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#askers.delete(id);
      if (this.#askers.size === 0) this.#rest();
    }
  }

  /** Gives an answer to its asker. One that nobody waits for, and what is none, is dropped. */
  take(answer: Uint8Array<ArrayBuffer>): void {
    const isAnswer = parseHeader(answer)?.isResponse ?? false;
    const asker = isAnswer ? this.#askers.get(getU16(answer, 0)) : undefined;
    if (asker === undefined) return;
    setU16(answer, 0, asker.id);
    asker.resolve(answer);
  }

  /** The connection is over: who still waits hears of it. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#idleTimer);
    const error = new Error("The server ended the connection");
    for (const { reject } of this.#askers.values()) reject(error);
  }

  #takeId(): number {
    while (this.#askers.has(this.#nextId)) this.#nextId = (this.#nextId + 1) & 0xffff;
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    return id;
  }

  #rest(): void {
    if (!this.#isOver) this.#idleTimer = setTimeout(this.#onIdle, IDLE_TIMEOUT_MS);
  }
}

/**
 * Whether the proxy behind tunnels of HTTP/1.1 lives. Such a tunnel belongs to the two ends of the flow, and no PING can stand between their
 * bytes; so when something was sent and nothing comes back, and no byte moves, another connection asks in its place. A proxy that opens
 * TLS, or says whatever to `OPTIONS *`, lives. If it is silent, so are all silent tunnels: they are broken off.
 *
 * What that cannot see is a middlebox that forgot one connection and takes others; there the kernel's keep-alive helps in the end.
 *
 * @module
 */

import type { Connection } from "../connection.ts";
import type { ProxySettings } from "../settings.ts";

/** A proxy that answered is asked again after twice the time, up to this: a long poll is silent, and no reason to knock every 3 s. */
const MAX_GAP_MS = 60_000;

const QUESTION = "OPTIONS * HTTP/1.1\r\nHost: proxy.invalid\r\nConnection: close\r\n\r\n";

interface Watched {
  received: number;
  written: number;
  /** What had been written when the last byte was received: more than that waits for an answer. */
  answered: number;
  /** Since when no byte has moved. */
  since: number;
}

/** Watches the tunnels of one client. */
export class SilenceWatch {
  readonly #proxy: ProxySettings;
  readonly #dial: (signal: AbortSignal) => Promise<Connection>;
  readonly #watched = new Map<Connection, Watched>();
  readonly #closing = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #gapMs = 0;
  #askAt = 0;
  #isAsking = false;

  /** `dial` opens a further connection; how long silence may last is in the proxy's `timeouts`. */
  constructor(proxy: ProxySettings, dial: (signal: AbortSignal) => Promise<Connection>) {
    this.#proxy = proxy;
    this.#dial = dial;
  }

  /** Watches a tunnel until it ends. */
  watch(connection: Connection): void {
    const since = performance.now();
    const [received, written] = [connection.received(), connection.sent()];
    const state = { received, written, answered: written, since };
    this.#watched.set(connection, state);
    connection.socket
      .on("data", () => state.answered = connection.sent())
      .once("close", () => this.#watched.delete(connection));
    this.#timer ??= setTimeout(() => this.#look(), this.#proxy.timeouts.pingIdleMs);
  }

  /** Asks at the next occasion, because there is reason to doubt; also about tunnels that wait for nothing. */
  doubt(): void {
    this.#gapMs = this.#askAt = 0;
    if (this.#watched.size > 0) void this.#ask([...this.#watched.keys()]);
  }

  /** Stops watching. */
  close(): void {
    clearTimeout(this.#timer);
    this.#watched.clear();
    this.#closing.abort();
  }

  #look(): void {
    const { pingIdleMs } = this.#proxy.timeouts;
    const now = performance.now();
    const silent: Connection[] = [];
    for (const [connection, state] of this.#watched) {
      if (notice(connection, state, now)) this.#gapMs = 0;
      else if (state.written > state.answered && now - state.since >= pingIdleMs) {
        silent.push(connection);
      }
    }
    if (silent.length > 0 && now >= this.#askAt) void this.#ask(silent);
    this.#timer = this.#watched.size === 0
      ? undefined
      : setTimeout(() => this.#look(), pingIdleMs / 2);
  }

  async #ask(silent: readonly Connection[]): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const heard = new Map(silent.map((connection) => [connection, connection.received()]));
    const isAlive = await this.#answers();
    this.#isAsking = false;
    if (this.#closing.signal.aborted) return;
    this.#gapMs = Math.min(MAX_GAP_MS, Math.max(this.#gapMs * 2, this.#proxy.timeouts.pingIdleMs));
    this.#askAt = performance.now() + this.#gapMs;
    if (isAlive) return;
    for (const [connection, received] of heard) {
      if (connection.received() === received) connection.reset();
    }
  }

  /** Only silence is death: who refuses a connection, or closes it, is there. */
  async #answers(): Promise<boolean> {
    const { pingWaitMs } = this.#proxy.timeouts;
    const patience = AbortSignal.timeout(pingWaitMs);
    const signal = AbortSignal.any([patience, this.#closing.signal]);
    try {
      const connection = await this.#dial(signal);
      try {
        if (this.#proxy.scheme === "http") await anyWord(connection, signal);
        return true;
      } finally {
        connection.reset();
      }
    } catch {
      return !patience.aborted;
    }
  }
}

/** Takes note of what moved since the last time, and says whether anything did. */
function notice(connection: Connection, state: Watched, now: number): boolean {
  const [received, written] = [connection.received(), connection.sent()];
  if (received === state.received && written === state.written) return false;
  Object.assign(state, { received, written, since: now });
  return true;
}

/** Settles when the proxy says anything, or closes. */
function anyWord({ socket }: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("data", () => resolve()).once("close", () => resolve());
    signal.addEventListener("abort", () => reject(signal.reason));
    socket.write(QUESTION);
  });
}

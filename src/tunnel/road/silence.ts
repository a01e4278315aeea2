/**
 * Whether the proxy behind tunnels of HTTP/1.1 lives. Such a tunnel belongs to the two ends of the flow, and no PING can stand between their
 * bytes; so when nothing has come out of any of them for a while, another connection asks in their place. A proxy that opens TLS, or says
 * whatever to `OPTIONS *`, lives. If it is silent, too, all of them are broken off.
 *
 * What that cannot see is a middlebox that forgot one connection and takes others; there the kernel's keep-alive helps in the end.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { ProxySettings } from "../settings.ts";

/** A proxy that answered is asked again after twice the time, up to this: an idle tunnel is silent, and no reason to knock every 3 s. */
const MAX_GAP_MS = 60_000;

const QUESTION = "OPTIONS * HTTP/1.1\r\nHost: proxy.invalid\r\nConnection: close\r\n\r\n";

/** Watches the tunnels of one client. */
export class SilenceWatch {
  readonly #proxy: ProxySettings;
  readonly #dial: (signal: AbortSignal) => Promise<Connection>;
  readonly #onDead: (tunnels: number) => void;
  /** The open tunnels, and what had been received of each at the last look. */
  readonly #tunnels = new Map<Connection, number>();
  readonly #closing = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #gapMs = 0;
  #askAt = 0;
  #isAsking = false;

  /** `dial` opens a further connection; how long silence may last is in the proxy's `timeouts`. `onDead` is told how many tunnels are broken off. */
  constructor(
    proxy: ProxySettings,
    dial: (signal: AbortSignal) => Promise<Connection>,
    onDead: (tunnels: number) => void = () => {},
  ) {
    this.#proxy = proxy;
    this.#dial = dial;
    this.#onDead = onDead;
  }

  /** Watches a tunnel, whose answer has just come, until `forget`. */
  watch(connection: Connection): void {
    this.#tunnels.set(connection, connection.received());
    this.#hear();
    this.#timer ??= setTimeout(() => this.#look(), this.#proxy.timeouts.pingIdleMs);
  }

  /** The tunnel has ended, or never was one. */
  forget(connection: Connection): void {
    this.#tunnels.delete(connection);
  }

  /** Asks at once, because there is reason to doubt. */
  doubt(): void {
    if (this.#tunnels.size > 0) void this.#ask();
  }

  /** Stops watching. */
  close(): void {
    clearTimeout(this.#timer);
    this.#tunnels.clear();
    this.#closing.abort();
  }

  #hear(): void {
    this.#heardAt = performance.now();
    this.#gapMs = this.#askAt = 0;
  }

  #look(): void {
    const { pingIdleMs } = this.#proxy.timeouts;
    // By `forEach`, which makes no pair for each of ten thousand tunnels at each look.
    this.#tunnels.forEach((before, connection) => {
      const received = connection.received();
      if (received === before) return;
      this.#tunnels.set(connection, received);
      this.#hear(); // whichever tunnel it is, the proxy lives
    });
    const now = performance.now();
    if (this.#tunnels.size === 0) return this.#timer = undefined;
    if (now - this.#heardAt >= pingIdleMs && now >= this.#askAt) void this.#ask();
    this.#timer = setTimeout(() => this.#look(), pingIdleMs / 2);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const before = new Map([...this.#tunnels.keys()].map((one) => [one, one.received()]));
    const isAlive = await this.#answers();
    this.#isAsking = false;
    if (this.#closing.signal.aborted) return;
    this.#gapMs = Math.min(MAX_GAP_MS, Math.max(this.#gapMs * 2, this.#proxy.timeouts.pingIdleMs));
    this.#askAt = performance.now() + this.#gapMs;
    if (isAlive) return;
    const dead = [...before].filter(([connection, received]) =>
      this.#tunnels.has(connection) && connection.received() === received
    );
    if (dead.length > 0) this.#onDead(dead.length);
    for (const [connection] of dead) connection.reset();
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

/** Settles when the proxy says anything, or closes. */
function anyWord({ socket }: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("data", () => resolve()).once("close", () => resolve());
    signal.addEventListener("abort", () => reject(signal.reason));
    socket.write(QUESTION);
  });
}

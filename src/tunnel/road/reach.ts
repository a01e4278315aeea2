/**
 * Whether a proxy can be reached, the same for every version of HTTP: opens connections, and when that fails, sees to it that neither a
 * thousand flows nor an impatient program hammer a proxy that is gone, and that it is found again as soon as it is back.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { ProxyError } from "../../errors.ts";
import type { Connection } from "../connection/connection.ts";
import { dial } from "../connection/dial.ts";
import { dialTarget, type ProxySettings, unreachable } from "../settings.ts";
import { backoffMs } from "./backoff.ts";

/** Opens a connection to the proxy and offers the protocols `alpn`; rejects with an `Error` that may have a `code`. */
export type Dialer = (alpn: readonly string[], signal: AbortSignal) => Promise<Connection>;

/** What every kind of connection tells. */
export type Reached = Pick<Connection, "remoteAddress">;

/** Opens one; rejects with an `Error` that may have a `code`. */
export type Opener<C extends Reached> = (signal: AbortSignal) => Promise<C>;

/** What becomes known of a proxy. */
export interface ReachEvents {
  /** It cannot be reached, and could before. */
  onLost?(error: ProxyError): void;
  /** It can be reached again, after so long. */
  onFound?(awayMs: number): void;
  /** A connection says nothing, not even when asked whether it lives, and is given up with its flows. */
  onSilent?(http: "1.1" | "2" | "3", flows: number): void;
  /** It is time to try again: whoever holds connections opens one. */
  onRetry?(): void;
}

/** A flow waits so long for the next attempt; when that is further off, it fails at once and the program may go another way. */
const PATIENCE_MS = 1_000;

interface Absence {
  readonly since: number;
  failures: number;
  error: ProxyError;
  retryAt: number;
}

/** The way to one proxy. */
export class Reach {
  /** Told what becomes known; set by the owner. */
  events: ReachEvents = {};
  readonly #proxy: ProxySettings;
  readonly #dialer: Dialer;
  readonly #closing = new AbortController();
  #absence: Absence | undefined;
  /** The one attempt that is made while the proxy is away. */
  #attempt: Promise<unknown> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Wakes those who wait for the next attempt. */
  #hurry = Promise.withResolvers<void>();
  #address: string | undefined;
  #hasStood = false;

  /** `dialer` opens connections; straight from this machine unless given. */
  constructor(proxy: ProxySettings, dialer: Dialer = straight(proxy)) {
    this.#proxy = proxy;
    this.#dialer = dialer;
  }

  /** The proxy's IP address in the latest connection; `undefined` while it cannot be reached, and inside another tunnel. */
  get address(): string | undefined {
    return this.#absence === undefined ? this.#address : undefined;
  }

  /** Whether the latest attempt failed. */
  get isLost(): boolean {
    return this.#absence !== undefined;
  }

  /** Whether there was an attempt, and the latest did not fail. */
  get isStanding(): boolean {
    return this.#hasStood && this.#absence === undefined;
  }

  /** Opens a connection. Rejects with a `ProxyError`, or with the signal's reason. */
  dial(alpn: readonly string[], signal: AbortSignal): Promise<Connection> {
    return this.through((either) => this.#dialer(alpn, either), signal);
  }

  /** The same for a connection that `open` opens in its own way. */
  async through<C extends Reached>(open: Opener<C>, signal: AbortSignal): Promise<C> {
    for (;;) {
      const away = this.#absence;
      if (away === undefined) return await this.#through(open, signal);
      if (this.#attempt !== undefined) {
        await abortable(this.#attempt.catch(() => {}), signal);
        if (this.#absence !== undefined) throw this.#absence.error;
        continue;
      }
      const waitMs = away.retryAt - performance.now();
      if (waitMs > PATIENCE_MS) throw away.error;
      if (waitMs > 0) {
        await this.#sleep(waitMs, signal);
        continue; // another may have found it meanwhile
      }
      const attempt = this.#through(open, signal);
      this.#attempt = attempt.finally(() => this.#attempt = undefined);
      this.#attempt.catch(() => {}); // whoever waits asks for the outcome
      return await attempt;
    }
  }

  /** Opens a connection only to see whether somebody is there: waits for nothing, and the outcome changes nothing. */
  probe(alpn: readonly string[], signal: AbortSignal): Promise<Connection> {
    return this.#dialer(alpn, AbortSignal.any([signal, this.#closing.signal]));
  }

  /** Tries again at once: the network has changed, or somebody asked for it. */
  hurry(): void {
    if (this.#absence === undefined) return;
    this.#absence.failures = 0;
    this.#absence.retryAt = performance.now();
    this.#hurry.resolve();
    this.#hurry = Promise.withResolvers<void>();
    this.#schedule(0);
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    clearTimeout(this.#timer);
  }

  async #through<C extends Reached>(open: Opener<C>, signal: AbortSignal): Promise<C> {
    try {
      const connection = await open(AbortSignal.any([signal, this.#closing.signal]));
      this.#found(connection);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      const told = error instanceof ProxyError ? error : unreachable(this.#proxy, error);
      this.#failed(told);
      throw told;
    }
  }

  #found(connection: Reached): void {
    this.#address = connection.remoteAddress;
    this.#hasStood = true;
    const away = this.#absence;
    if (away === undefined) return;
    this.#absence = undefined;
    clearTimeout(this.#timer);
    this.events.onFound?.(performance.now() - away.since);
  }

  #failed(error: ProxyError): void {
    const isNew = this.#absence === undefined;
    const now = performance.now();
    const away = this.#absence ??= { since: now, failures: 0, error, retryAt: now };
    // Flows that dialled while the proxy went away fail together: one failure.
    if (!isNew && away.retryAt > now) return;
    away.error = error;
    const waitMs = backoffMs(++away.failures, this.#proxy.timeouts, Math.random());
    away.retryAt = now + waitMs;
    this.#schedule(waitMs);
    if (isNew) this.events.onLost?.(error);
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    if (this.events.onRetry === undefined) return;
    this.#timer = setTimeout(() => this.events.onRetry?.(), waitMs);
    Deno.unrefTimer(this.#timer); // hope alone keeps no program alive
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    try {
      const awake = Promise.race([promise, this.#hurry.promise]);
      await abortable(awake, AbortSignal.any([signal, this.#closing.signal]));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Opens connections from this machine itself. */
export function straight(proxy: ProxySettings): Dialer {
  const { dialMs: timeoutMs } = proxy.timeouts;
  return (alpn, signal) => dial(dialTarget(proxy, alpn), { signal, timeoutMs });
}

/**
 * The road that finds its version of HTTP by itself, in the manner of Happy Eyeballs (RFC 8305): HTTP/3 has a head start, TCP with HTTP/2 or
 * HTTP/1.1 follows, and the first that stands takes the flows. It remembers what is broken, changes over when that happens in the middle,
 * and climbs back to HTTP/3 later.
 *
 * @module
 */

import type {
  BoundUdpResponse,
  ConnectOptions,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";
import { Alternatives } from "./alternatives.ts";
import { backoffMs } from "./backoff.ts";
import { after } from "./after.ts";
import type { Answer, Ask, AutoOptions } from "./auto_options.ts";
import { isUnreachable } from "../settings.ts";
import { hedge } from "./hedge.ts";
import type { RoadOptions, Silence, VersionClient } from "./version_client.ts";

/**
 * With TCP and TLS to come, which take two round trips more than QUIC, whoever waits notices no more than this. RFC 8305, section 5, recommends 250
 * ms and allows 100.
 */
const HEAD_START_MS = 100;

/** How long HTTP/3 may be without a connection, or look dead, before flows go another way: with the head start well below 300 ms. */
const PATIENCE_MS = 150;

/** A further connection takes about as long as the first; in three times that it stands, or something is wrong. */
const PATIENCE_FACTOR = 3;

/** When TCP has failed, HTTP/3 gets so much longer before the failure is told: a proxy that is gone is usually gone altogether. */
const LAST_HOPE_MS = 1_000;

const AGAIN = "New flows take HTTP/3 again";

const CLIMB_MS = 30_000;
const MAX_CLIMB_MS = 3_600_000;

/** HTTP/3 where it works, and TCP where it does not. */
export class AutoClient implements VersionClient {
  readonly #options: AutoOptions;
  readonly #closing = new AbortController();
  readonly #alternatives: Alternatives;
  #http3: VersionClient | undefined;
  #isHttp3Good = false;
  #tcp: VersionClient | undefined;
  #openingTcp: Promise<VersionClient> | undefined;
  #climbing: Promise<void> | undefined;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isChecking = false;
  /** What a request over HTTP/3 was met with; nothing has come since. */
  #silence: Silence | undefined;
  #patienceMs = PATIENCE_MS;
  /** Requests over HTTP/3 that have no answer yet. */
  readonly #unanswered = new Set<AbortController>();

  /** Without a connection yet: {@linkcode AutoClient.start} makes one that has. */
  constructor(options: AutoOptions) {
    this.#options = options;
    this.#alternatives = new Alternatives(options.port);
  }

  /** Races the versions. Rejects with the failure of TCP when none of them gets through, and with the signal's reason. */
  static async start(options: AutoOptions, signal: AbortSignal): Promise<AutoClient> {
    const client = new AutoClient(options);
    try {
      await client.#race(signal);
      return client;
    } catch (error) {
      await client.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  get version(): VersionClient["version"] {
    return this.#takesHttp3 ? "3" : this.#tcp?.version ?? "2";
  }

  get description(): string {
    return (this.#takesHttp3 ? this.#http3 : this.#tcp)?.description ?? "no connection yet";
  }

  get connections(): number {
    return (this.#http3?.connections ?? 0) + (this.#tcp?.connections ?? 0);
  }

  connect(target: Target, options?: ConnectOptions): Promise<TunnelResponse> {
    return this.#ask(options, (client, options) => client.connect(target, options));
  }

  connectUdp(target: Target, options?: ConnectOptions): Promise<UdpTunnelResponse> {
    return this.#ask(options, (client, options) => client.connectUdp(target, options));
  }

  bindUdp(options?: ConnectOptions): Promise<BoundUdpResponse> {
    return this.#ask(options, (client, options) => client.bindUdp!(options));
  }

  renew(isLost: Parameters<VersionClient["renew"]>[0]): void {
    this.#http3?.renew(isLost);
    this.#tcp?.renew(isLost);
    this.#failures = 0; // the other network may let UDP through
    void this.#climb().catch(() => {});
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#race(signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    clearTimeout(this.#timer);
    await Promise.all([this.#http3?.close(), this.#tcp?.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Settles when either version has a connection. */
  async #race(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, this.#closing.signal, over.signal]);
    const { headStartMs = HEAD_START_MS } = this.#options;
    const climbed = this.#climb().catch(() => {});
    const tcp = async () => {
      await Promise.race([climbed, after(headStartMs, either)]);
      if (this.#isHttp3Good) return;
      try {
        await this.#warmTcp(either);
      } catch (error) {
        await Promise.race([climbed, after(LAST_HOPE_MS, either)]);
        if (!this.#isHttp3Good) throw error;
      }
    };
    const byTcp = tcp();
    try {
      // An attempt at HTTP/3 that failed leaves the word to TCP.
      await Promise.race([climbed.then(() => this.#isHttp3Good ? undefined : byTcp), byTcp]);
    } finally {
      over.abort();
    }
  }

  async #warmTcp(signal: AbortSignal): Promise<void> {
    if (this.#tcp === undefined) await this.#openTcp(signal);
    else await this.#tcp.warm(signal);
  }

  /** The client over TCP; one attempt at a time, whoever asks. */
  async #openTcp(signal: AbortSignal): Promise<VersionClient> {
    if (this.#tcp !== undefined) return this.#tcp;
    // The attempt of somebody else may be given up by that one.
    while (this.#openingTcp !== undefined) {
      await this.#openingTcp.catch(() => {});
      signal.throwIfAborted();
    }
    if (this.#tcp !== undefined) return this.#tcp;
    this.#openingTcp = this.#options.openTcp(AbortSignal.any([signal, this.#closing.signal]));
    try {
      return this.#tcp = await this.#openingTcp;
    } finally {
      this.#openingTcp = undefined;
    }
  }

  /** One attempt at HTTP/3 at a time; settles when flows can take it. It goes on when nobody waits any more. */
  #climb(): Promise<void> {
    return this.#climbing ??= this.#tryHttp3().finally(() => this.#climbing = undefined);
  }

  /** An attempt that knows what has just been learnt, behind the one under way if that fails. */
  async #climbAnew(): Promise<void> {
    await this.#climbing?.catch(() => {});
    if (!this.#isHttp3Good) await this.#climb();
  }

  async #tryHttp3(): Promise<void> {
    const { climb, onChange } = this.#options;
    const { signal } = this.#closing;
    clearTimeout(this.#timer);
    try {
      if (!this.#isHttp3Good) climb.hurry();
      if (this.#http3 !== undefined) await this.#http3.warm(signal);
      else {
        const began = performance.now();
        this.#http3 = await climb.open(this.#alternatives.http3Port(began), signal);
        const tookMs = performance.now() - began;
        this.#patienceMs = Math.max(PATIENCE_MS, PATIENCE_FACTOR * tookMs);
      }
    } catch (error) {
      this.#giveUpHttp3();
      throw error;
    }
    if (!this.#isHttp3Good && this.#tcp !== undefined) onChange?.(AGAIN);
    this.#isHttp3Good = true;
    this.#failures = 0;
  }

  /** Flows go another way from now on; those that wait for an answer do at once. */
  #giveUpHttp3(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#isHttp3Good) this.#options.onChange?.("HTTP/3 is broken, so new flows go over TCP");
    this.#isHttp3Good = false;
    this.#silence = undefined;
    for (const asked of this.#unanswered) asked.abort(BROKEN);
    const { climbMs = CLIMB_MS } = this.#options;
    const range = { retryMs: climbMs, retryMaxMs: Math.max(climbMs, MAX_CLIMB_MS) };
    const waitMs = backoffMs(++this.#failures, range, Math.random());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#climb().catch(() => {}), waitMs);
    Deno.unrefTimer(this.#timer); // hope alone keeps no program alive
  }

  get #takesHttp3(): boolean {
    return this.#isHttp3Good && this.#silence === undefined;
  }

  async #ask<T extends Answer>(options: ConnectOptions = {}, ask: Ask<T>): Promise<T> {
    const { signal = this.#closing.signal } = options;
    const byTcp = async (options: ConnectOptions) =>
      await ask(await this.#openTcp(options.signal ?? signal), options);
    if (this.#takesHttp3) {
      const byHttp3 = (options: RoadOptions) => this.#askHttp3(options, ask);
      try {
        const answer = hedge(options, byHttp3, byTcp, (silence) => this.#suspect(silence));
        return this.#heard(await answer);
      } catch (error) {
        if (
          !(error === BROKEN || isUnreachable(error)) || signal.aborted ||
          this.#closing.signal.aborted
        ) throw error;
        if (this.#isHttp3Good) this.#giveUpHttp3();
      }
    }
    return this.#heard(await byTcp(options));
  }

  /** New flows go another way, until the connection speaks or is over. */
  #suspect(silence: Silence): void {
    if (!this.#takesHttp3) return;
    this.#silence = silence;
    this.#options.onChange?.("HTTP/3 is silent, so new flows go over TCP until it speaks");
    void silence.heard.then((speaks) => {
      if (this.#silence !== silence) return;
      this.#silence = undefined;
      if (speaks) this.#options.onChange?.(AGAIN);
      else if (this.#isHttp3Good) this.#giveUpHttp3();
    });
  }

  async #askHttp3<T>(options: RoadOptions, ask: Ask<T>): Promise<T> {
    const unanswered = new AbortController();
    const signals = [unanswered.signal, ...options.signal ? [options.signal] : []];
    this.#unanswered.add(unanswered);
    const timer = setInterval(() => void this.#check(), this.#patienceMs);
    try {
      return await ask(this.#http3!, { ...options, signal: AbortSignal.any(signals) });
    } finally {
      clearInterval(timer);
      this.#unanswered.delete(unanswered);
    }
  }

  /** An answer may take its time at the origin; a connection to the proxy may not. */
  async #check(): Promise<void> {
    if (this.#isChecking || !this.#isHttp3Good) return;
    this.#isChecking = true;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.#patienceMs);
    try {
      await this.#http3!.warm(patience.signal);
    } catch {
      if (this.#isHttp3Good) this.#giveUpHttp3();
    } finally {
      clearTimeout(timer);
      this.#isChecking = false;
    }
  }

  #heard<T extends { readonly headers: Headers }>(answer: T): T {
    const field = answer.headers.get("alt-svc");
    const isNews = field !== null && this.#alternatives.learn(field, performance.now());
    if (isNews && !this.#isHttp3Good) this.#climbAnew().catch(() => {});
    return answer;
  }
}

/** Why a request over HTTP/3 goes another way. */
const BROKEN = new Error("HTTP/3 is broken");

/**
 * UDP tunnels by key: one is opened with the first datagram, and the one that was silent longest gives way to a further one.
 *
 * @module
 */

import type { OpenUdpTunnel, ProxyClient, Target } from "../../mod.ts";

/** Tunnels at once; a program that talks to more than these loses the oldest. */
const MAX_TUNNELS = 256;

/** Datagrams that wait for the proxy's answer; UDP may lose the others. */
const MAX_WAITING = 64;

/** RFC 4787, REQ-5: never below two minutes. */
const IDLE_MS = 300_000;

interface Entry {
  tunnel?: OpenUdpTunnel;
  /** Given back once the tunnel stands. */
  waiting: Uint8Array[];
  activeAt: number;
  isClosed: boolean;
  readonly over: Promise<void>;
}

/** A table of tunnels. */
export class UdpTunnels {
  readonly #client: ProxyClient;
  readonly #deliver: (payload: Uint8Array, key: string) => void;
  /** The one that was silent longest comes first. */
  readonly #entries = new Map<string, Entry>();
  readonly #timer: ReturnType<typeof setInterval>;

  /** `deliver` gets what comes back; the bytes are the tunnel's again once it returns. */
  constructor(client: ProxyClient, deliver: (payload: Uint8Array, key: string) => void) {
    this.#client = client;
    this.#deliver = deliver;
    this.#timer = setInterval(() => this.#sweep(), IDLE_MS / 10);
    Deno.unrefTimer(this.#timer);
  }

  /** Sends one datagram through the tunnel of `key`, which is opened to `target` unless it stands. */
  send(key: string, target: Target, payload: Uint8Array): void {
    const entry = this.#entries.get(key) ?? this.#open(key, target);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.activeAt = performance.now();
    if (entry.tunnel !== undefined) entry.tunnel.send(payload);
    else if (entry.waiting.length < MAX_WAITING) entry.waiting.push(payload.slice());
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const all = [...this.#entries];
    for (const [key, entry] of all) this.#end(key, entry);
    await Promise.all(all.map(([, { over }]) => over));
  }

  #open(key: string, target: Target): Entry {
    const [oldest] = this.#entries;
    if (this.#entries.size >= MAX_TUNNELS) this.#end(...oldest);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const entry: Entry = { waiting: [], activeAt: 0, isClosed: false, over };
    this.#carry(key, target, entry).catch(() => {}).finally(() => {
      this.#end(key, entry);
      resolve();
    });
    return entry;
  }

  /** Rejects when there is no tunnel to be had: a datagram that goes nowhere is what UDP knows. */
  async #carry(key: string, target: Target, entry: Entry): Promise<void> {
    const tunnel = await this.#client.connectUdp(target);
    if (!tunnel.ok) return;
    if (entry.isClosed) tunnel.close();
    entry.tunnel = tunnel;
    tunnel.receive({ datagram: (payload) => this.#deliver(payload, key) });
    for (const payload of entry.waiting.splice(0)) tunnel.send(payload);
    await tunnel.closed;
  }

  #end(key: string, entry: Entry): void {
    entry.isClosed = true;
    entry.tunnel?.close();
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #sweep(): void {
    const now = performance.now();
    for (const [key, entry] of this.#entries) {
      if (now - entry.activeAt < IDLE_MS) break;
      this.#end(key, entry);
    }
  }
}

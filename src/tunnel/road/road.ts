/**
 * The road to a proxy: one client that stays the same while connections and versions behind it come and go.
 *
 * @module
 */

import type { ProxyError } from "../../errors.ts";
import { type Log, SILENT } from "../../log.ts";
import { askAuthorized } from "../credentials/authorizer.ts";
import type { Authorizer } from "../credentials/secret.ts";
import type {
  BoundUdpResponse,
  ConnectOptions,
  ProxyClient,
  RefusedTunnel,
  Target,
  TunnelEnd,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";
import { isOurs, watchNetwork } from "./network.ts";
import type { Reach } from "./reach.ts";
import type { VersionClient } from "./version_client.ts";

/** A proxy that {@linkcode connectProxy} has connected to. */
export interface ConnectedProxy extends ProxyClient {
  /** The proxy's IP address as the latest connection found it; `undefined` while the proxy cannot be reached, or inside another tunnel. */
  readonly address: string | undefined;
  /** Connections that stand. */
  readonly connections: number;
  /** Tunnels that are open, or asked for. */
  readonly tunnels: number;
  /**
   * Takes new connections for new flows from now on, as after a change of the network, which is noticed without this. Open flows stay on
   * theirs while those live, and each is asked at once. Settles when the first new connection stands; rejects with a `ProxyError` when none can be had.
   */
  reconnect(): Promise<void>;
  /** Takes no more flows, lets the open ones come to their end, and closes. When `signal` aborts, the rest is reset. */
  shutdown(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** What a road is made of. */
export interface RoadParts {
  readonly client: VersionClient;
  /** Whether the proxy can be reached: over TCP, over UDP, or both. */
  readonly reaches: readonly Reach[];
  readonly authorizer: Authorizer;
  /** The proxy that this one is reached through. */
  readonly via?: ProxyClient;
  /** Where the proxy's comings and goings are told. */
  readonly log?: Log;
  /** The proxy in words without secrets. */
  readonly name: string;
}

/** Connections to one machine that is gone are given up one after the other. */
const SILENCES_TOGETHER_MS = 5_000;

/** The client behind {@linkcode connectProxy}. */
export class Road implements ConnectedProxy {
  readonly #client: VersionClient;
  readonly #reaches: readonly Reach[];
  readonly #authorizer: Authorizer;
  readonly #name: string;
  readonly #via: ProxyClient | undefined;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #network: Disposable;
  #tunnels = 0;
  #lostAt: number | undefined;
  #silentAt = -Infinity;
  #isShutDown = false;
  #onIdle = () => {};

  /** Takes over what it is made of. */
  constructor({ client, reaches, authorizer, log = SILENT, name, via }: RoadParts) {
    this.#via = via;
    this.#client = client;
    this.#reaches = reaches;
    this.#authorizer = authorizer;
    this.#log = log;
    this.#name = name;
    for (const reach of reaches) {
      reach.events = {
        onLost: (error) => this.#onLost(error),
        onFound: () => this.#onFound(),
        onSilent: (http, flows) => this.#onSilent(http, flows),
        onRetry: () => void client.warm(this.#closing.signal).catch(() => {}), // which makes the next attempt due
      };
    }
    this.#network = watchNetwork(() => this.#onNetworkChange());
  }

  get description(): string {
    const { description } = this.#client;
    return this.#via === undefined
      ? description
      : `${description} by way of ${this.#via.description}`;
  }

  get address(): string | undefined {
    return this.#reaches.find(({ address }) => address !== undefined)?.address;
  }

  get connections(): number {
    return this.#client.connections;
  }

  get tunnels(): number {
    return this.#tunnels;
  }

  connect(target: Target, options?: ConnectOptions): Promise<TunnelResponse> {
    return this.#ask(options, (options) => this.#client.connect(target, options));
  }

  connectUdp(target: Target, options?: ConnectOptions): Promise<UdpTunnelResponse> {
    return this.#ask(options, (options) => this.#client.connectUdp(target, options));
  }

  bindUdp(options?: ConnectOptions): Promise<BoundUdpResponse> {
    return this.#ask(options, (options) => this.#client.bindUdp!(options));
  }

  async reconnect(): Promise<void> {
    this.#throwIfOver();
    this.#client.renew(({ localAddress }) => localAddress !== undefined && !isOurs(localAddress));
    for (const reach of this.#reaches) reach.hurry();
    await this.#client.warm(this.#closing.signal);
  }

  async shutdown({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#isShutDown = true;
    if (this.#tunnels > 0 && !signal?.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      signal?.addEventListener("abort", () => resolve(), { once: true });
      await promise;
    }
    await this.close();
  }

  async close(): Promise<void> {
    this.#isShutDown = true;
    this.#network[Symbol.dispose]();
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    for (const reach of this.#reaches) reach.close();
    await this.#client.close();
    this.#onIdle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<
    T extends { readonly ok: true; readonly closed: Promise<TunnelEnd> } | RefusedTunnel,
  >(
    options: ConnectOptions = {},
    ask: (options: ConnectOptions) => Promise<T>,
  ): Promise<T> {
    this.#throwIfOver();
    this.#tunnels++;
    let isOpen = false;
    try {
      const tunnel = await askAuthorized(this.#authorizer, options, (options) => {
        this.#closing.signal.throwIfAborted(); // while a secret was fetched
        return ask(options);
      });
      isOpen = tunnel.ok;
      if (tunnel.ok) void tunnel.closed.then(this.#end);
      return tunnel;
    } finally {
      if (!isOpen) this.#end();
    }
  }

  readonly #end = (): void => {
    if (--this.#tunnels === 0) this.#onIdle();
  };

  #throwIfOver(): void {
    if (!this.#isShutDown) return;
    throw new TypeError("Cannot connect through a closed client: make another one");
  }

  /** While one way to the proxy stands, the loss of another is no loss of the proxy. */
  #onLost({ message }: ProxyError): void {
    if (this.#lostAt !== undefined || this.#reaches.some(({ isStanding }) => isStanding)) return;
    this.#lostAt = performance.now();
    this.#log.warn(`${message}; trying again until it is back`);
  }

  /** One line for all connections that fall silent together. */
  #onSilent(http: string, flows: number): void {
    const now = performance.now();
    if (now - this.#silentAt < SILENCES_TOGETHER_MS) return;
    this.#silentAt = now;
    this.#log.warn(
      `The proxy ${this.#name} does not answer any more: a connection of HTTP/${http} is given up, and what it carried is reset (${flows} ${
        flows === 1 ? "flow" : "flows"
      })`,
    );
  }

  #onFound(): void {
    if (this.#lostAt === undefined) return;
    const seconds = Math.ceil((performance.now() - this.#lostAt) / 1_000);
    this.#lostAt = undefined;
    this.#log.warn(`The proxy ${this.#name} is back after ${seconds} s`);
  }

  #onNetworkChange(): void {
    this.#log.info(`The network has changed: new connections to the proxy ${this.#name}`);
    this.reconnect().catch(() => {}); // the reach has told, and goes on trying
  }
}

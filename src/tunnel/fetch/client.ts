/**
 * The road of nothing but `fetch`: a streaming POST for each tunnel, whose two bodies carry the capsules. For proxies on a platform or
 * behind a CDN that lets neither CONNECT nor an upgrade through; see `masque/tcp_request.ts`.
 *
 * @module
 */

import { formatAuthority } from "../../masque/authority.ts";
import { outcomeOf } from "../../masque/outcome.ts";
import { tcpResource } from "../../masque/tcp_request.ts";
import type { Resource } from "../../masque/templated.ts";
import { ANY_TARGET, udpLabel, udpOutcomeOf, udpResource } from "../../masque/udp_request.ts";
import { withoutUdp } from "../answer.ts";
import { capsuleTcp } from "../duplex/capsule_tcp.ts";
import { discard, exchange, type FetchAnswer, type TunnelFetcher } from "./exchange.ts";
import { type ProxySettings, requestFields, type TcpSettings } from "../settings.ts";
import type { VersionClient } from "../road/version_client.ts";
import type {
  BoundUdpResponse,
  ConnectOptions,
  RefusedTunnel,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";
import { tunnelDuplex } from "../duplex/tunnel_duplex.ts";
import { capsuleTunnel } from "../duplex/udp_tunnel.ts";

/** A proxy that is asked by `fetch`. */
export interface FetchSettings extends ProxySettings {
  readonly tcp: TcpSettings;
  /** Makes the `fetch` of one tunnel. */
  readonly fetcher: () => TunnelFetcher;
  /** Settles when the proxy has been reached; rejects with a `ProxyError`, or with the signal's reason. */
  readonly tryOut: (signal: AbortSignal) => Promise<void>;
}

/** An answer, and the signal that may break off what it grants. */
interface Asked {
  readonly answer: FetchAnswer;
  readonly signal: AbortSignal;
}

/** A way to a proxy by `fetch`. */
export class FetchClient implements VersionClient {
  readonly version = "fetch";
  readonly description: string;
  readonly #proxy: FetchSettings;
  readonly #closing = new AbortController();
  /** Settled requests and tunnels leave it: one for each flow, so bounded by whoever bounds the flows. */
  readonly #open = new Set<Promise<unknown>>();

  /** Nothing is asked before the first tunnel. */
  constructor(proxy: FetchSettings) {
    this.#proxy = proxy;
    this.description = `${proxy.name} (fetch)`;
  }

  /** Asks for a tunnel, see {@linkcode ProxyClient.connect}. */
  async connect(target: Target, options: ConnectOptions = {}): Promise<TunnelResponse> {
    const authority = formatAuthority(target.hostname, target.port);
    const resource = tcpResource(this.#proxy.tcp.template, target);
    return await this.#exchange<TunnelResponse>(resource, options, ({ answer, signal }) => {
      if (!answer.isOpen) return refused(answer, authority, outcomeOf);
      const { status, headers } = answer;
      const { readable, writable, closed } = capsuleTcp(answer);
      const abort = () => answer.reset(signal.reason);
      signal.addEventListener("abort", abort);
      void closed.then(() => signal.removeEventListener("abort", abort));
      return { ok: true, status, headers, readable, writable, closed };
    });
  }

  /** Asks for a UDP tunnel, see {@linkcode ProxyClient.connectUdp}. */
  async connectUdp(target: Target, options: ConnectOptions = {}): Promise<UdpTunnelResponse> {
    const resource = udpResource(this.#proxy.udp.template, target);
    return await this.#exchange<UdpTunnelResponse>(resource, options, ({ answer, signal }) => {
      if (!answer.isOpen) return refused(answer, udpLabel(target), udpOutcomeOf);
      const { duplex } = tunnelDuplex(answer);
      const reset = () => {
        duplex.destroy();
        answer.reset();
      };
      const endedInOrder = () => !duplex.destroyed;
      return capsuleTunnel(duplex, { endedInOrder, reset, signal }, answer);
    });
  }

  /** Requests under way and tunnels, each of which has a connection or shares one as its `fetch` likes it. */
  get connections(): number {
    return this.#open.size;
  }

  /** A port for everybody is not to be had so, see {@linkcode ProxyClient.bindUdp}. */
  bindUdp(): Promise<BoundUdpResponse> {
    return Promise.resolve(withoutUdp(ANY_TARGET, "a POST by fetch asks for no ports"));
  }

  /** Nothing is kept that could be renewed: each tunnel asks anew. */
  renew(): void {}

  /** Sees whether the proxy can be reached. */
  warm(signal: AbortSignal): Promise<void> {
    return this.#proxy.tryOut(signal);
  }

  /** Breaks all tunnels off. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** The same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #exchange<T extends RefusedTunnel | { readonly ok: true; closed: Promise<unknown> }>(
    { authority, path }: Resource,
    options: ConnectOptions,
    respond: (asked: Asked) => T,
  ): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot connect through a closed client: make another one");
    }
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closing.signal])
      : this.#closing.signal;
    const fields = requestFields(this.#proxy, options.headers);
    signal.throwIfAborted();
    const { fetch, close } = this.#proxy.fetcher();
    const url = `${this.#proxy.scheme}://${authority}${path}`;
    const asking = exchange(url, fields, this.#proxy, fetch, signal)
      .then((answer) => respond({ answer, signal }));
    this.#track(asking.then((response) => response.ok ? response.closed : undefined), close);
    return await asking;
  }

  #track(over: Promise<unknown>, close: () => void): void {
    const settled: Promise<unknown> = over.then(() => {}, () => {}).then(() => {
      close();
      this.#open.delete(settled);
    });
    this.#open.add(settled);
  }
}

function refused(answer: FetchAnswer, target: string, explain: typeof outcomeOf): RefusedTunnel {
  discard(answer);
  const { status, headers } = answer;
  const said = { status, proxyStatus: headers.get("proxy-status") };
  return { ok: false, status, headers, outcome: explain(said, target) };
}

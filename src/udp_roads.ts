/**
 * Which way the datagrams of an association take through the proxy: a tunnel of their own, or the port that the program's port has there.
 *
 * | the destination | its way |
 * | --- | --- |
 * | a name | a tunnel of its own: the proxy resolves the name, and a port at the proxy talks to addresses only |
 * | an address, port 1024 or above | the port at the proxy, where the proxy has one to give |
 * | an address, a port below, which servers have | a tunnel of its own, so that a closed port is heard of; the port, once there is one |
 *
 * So a game, a call or a swarm has one address for everybody (RFC 4787, REQ-1), and a question to a name server costs no port.
 *
 * @module
 */

import { answerOf, type NoTunnel } from "./asking.ts";
import type { UdpFlow, UdpFlowRequest } from "./flow/types.ts";
import type { OutcomeKind } from "./outcome.ts";
import type { BoundUdpResponse, ProxyClient, Target } from "./tunnel/tunnel.ts";
import { type Admits, BoundPort } from "./udp_port.ts";
import { relayUdp, type UdpRelayEnd } from "./udp_relay.ts";
import { parseIp } from "./wire/address.ts";

/**
 * - `auto`: as the table above says.
 * - `always`: destinations below port 1024, too.
 * - `off`: every destination has a tunnel of its own.
 */
export type UdpBind = "auto" | "always" | "off";

/** Below these ports stand servers (RFC 6335, section 6: system ports). */
const FIRST_USER_PORT = 1024;

/** How long the first question for a port may take: a proxy that does not know it may keep it to itself. */
const FIRST_ANSWER_MS = 5_000;

/** Refusals that say nothing about whether the proxy has ports to give. */
const UNRELATED: ReadonlySet<OutcomeKind> = new Set<OutcomeKind>([
  "connection_limit_reached",
  "proxy_authentication_required",
  "proxy_unreachable",
  "cancelled",
]);

/** What it needs to know of the world around it. */
export interface UdpRoadsOptions {
  readonly proxy: ProxyClient;
  readonly udpBind: UdpBind;
  /** Ends the association that has been silent longest: its id, undefined when there is no other. */
  readonly displaceFor: (request: UdpFlowRequest) => number | undefined;
  /** Says whether a stranger may be heard. */
  readonly admits: Admits;
  /** Hears of each port that the proxy gave. */
  readonly onBound: (source: Target, publicAddresses: readonly Target[]) => void;
  /** Hears once that the proxy gives none, and why. */
  readonly onUnbound: (why: string) => void;
}

/** A way that stands. */
export interface UdpWay {
  readonly ok: true;
  /** Carries the flow of the request to its end; has to be called. */
  relay(flow: UdpFlow): Promise<UdpRelayEnd>;
}

/** All ways of one proxy. */
export class UdpRoads {
  readonly #options: UdpRoadsOptions;
  /** Ports of programs that have one at the proxy, or ask for it. */
  readonly #ports = new Map<string, Promise<BoundPort | NoTunnel | undefined>>();
  /** Flows that are open, by their id: whether a tunnel ended with them. */
  readonly #relays = new Map<number, Promise<boolean>>();
  #offers: "unknown" | "yes" | "no" = "unknown";

  /** No flows yet. */
  constructor(options: UdpRoadsOptions) {
    this.#options = options;
    if (options.udpBind === "off" || options.proxy.bindUdp === undefined) this.#offers = "no";
  }

  /** Finds a way to `target` for what `request` asks. Never rejects. */
  async open(request: UdpFlowRequest, target: Target): Promise<UdpWay | NoTunnel> {
    if (this.#wantsPort(request, target)) {
      const port = await this.#portOf(request);
      if (port instanceof BoundPort && port.reaches(target.hostname)) {
        port.hold();
        const relayed = (flow: UdpFlow) => port.relay(flow);
        return this.#way(relayed, ({ isLast }) => isLast);
      }
      if (port !== undefined && !(port instanceof BoundPort)) return port;
    }
    const { proxy } = this.#options;
    const { signal } = request;
    const found = await this.#ask(request, signal, () => proxy.connectUdp(target, { signal }));
    return found.ok ? this.#way((flow) => relayUdp(flow, found), () => true) : found;
  }

  #way<E extends UdpRelayEnd>(
    relay: (flow: UdpFlow) => Promise<E>,
    isFreed: (end: E) => boolean,
  ): UdpWay {
    return {
      ok: true,
      relay: async (flow) => {
        const ended = relay(flow);
        this.#relays.set(flow.id, ended.then(isFreed));
        const end = await ended;
        this.#relays.delete(flow.id);
        return end;
      },
    };
  }

  #wantsPort({ source }: UdpFlowRequest, { hostname, port }: Target): boolean {
    if (this.#offers === "no" || parseIp(hostname) === undefined) return false;
    return port >= FIRST_USER_PORT || this.#options.udpBind === "always" ||
      this.#ports.has(keyOf(source));
  }

  /** The port of the program that asks; undefined where the proxy gives none. */
  async #portOf(request: UdpFlowRequest): Promise<BoundPort | NoTunnel | undefined> {
    const key = keyOf(request.source);
    for (;;) {
      let port = this.#ports.get(key);
      if (port === undefined) this.#ports.set(key, port = this.#bind(request, key));
      const found = await port;
      // It may have ended with its last flow just now.
      if (found instanceof BoundPort && found.isOver) continue;
      return found;
    }
  }

  async #bind(request: UdpFlowRequest, key: string): Promise<BoundPort | NoTunnel | undefined> {
    const { proxy, admits, onBound } = this.#options;
    // Not the program's signal: others may wait for the same port.
    const patience = new AbortController();
    const { signal } = patience;
    const timer = this.#offers === "yes"
      ? undefined
      : setTimeout(() => patience.abort(new Error("It did not answer")), FIRST_ANSWER_MS);
    const found = await this.#ask(request, signal, () => proxy.bindUdp!({ signal }));
    clearTimeout(timer);
    if (found.ok) {
      this.#offers = "yes";
      onBound(request.source, found.publicAddresses);
      return new BoundPort(found, admits, () => this.#ports.delete(key));
    }
    this.#ports.delete(key);
    return this.#refused(found, signal.aborted);
  }

  #refused(
    found: NoTunnel | Extract<BoundUdpResponse, { ok: false }>,
    isTooLate: boolean,
  ): NoTunnel | undefined {
    const { kind, detail } = found.outcome;
    if (UNRELATED.has(kind) && !isTooLate) return found;
    if (this.#offers === "yes") return undefined;
    const wasUnknown = this.#offers === "unknown";
    this.#offers = "no";
    if (wasUnknown) this.#options.onUnbound(isTooLate ? "it did not answer" : detail);
    return undefined;
  }

  /** When the proxy carries as much as it likes to, the association that has been silent longest gives way. */
  async #ask<T extends { readonly ok: boolean }>(
    request: UdpFlowRequest,
    signal: AbortSignal,
    ask: () => Promise<T>,
  ): Promise<T | NoTunnel> {
    const found = await answerOf(signal, ask);
    if (found.ok || !isLimit(found as unknown as NoTunnel)) return found;
    for (let displaced; (displaced = this.#options.displaceFor(request)) !== undefined;) {
      // One of several that share a port frees nothing.
      if (await (this.#relays.get(displaced) ?? true)) return await answerOf(signal, ask);
    }
    return found;
  }
}

function isLimit({ outcome }: NoTunnel): boolean {
  return outcome.kind === "connection_limit_reached";
}

function keyOf({ hostname, port }: Target): string {
  return `${hostname} ${port}`;
}

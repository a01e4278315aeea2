/**
 * The composition root: joins a device, the stack, the resolver and a way to a proxy, and runs. The only file that knows
 * every room; each of them can be used without the others.
 *
 * @module
 */

import { FAKE_IPV4, FAKE_IPV6, FakeAddresses } from "./dns/fake_addresses.ts";
import { Responder } from "./dns/responder.ts";
import { serveStream } from "./dns/serve.ts";
import { ProxyError } from "./errors.ts";
import { PseudoTcp, type PseudoTcpStats } from "./flow/pseudo_tcp.ts";
import type { FlowRequest, SocketAddress } from "./flow/types.ts";
import { type Log, SILENT } from "./log.ts";
import type { Outcome } from "./outcome.ts";
import { DNS_PORT, type Names, type Route, routeOf } from "./policy/route.ts";
import { relay } from "./relay.ts";
import { FlowReport } from "./report.ts";
import type { Limits } from "./stack/limits.ts";
import type { TcpSettings } from "./tcp/settings.ts";
import type { Device } from "./tun/device.ts";
import type { ProxyClient, TunnelResponse } from "./tunnel/tunnel.ts";
import { cidrContains, parseIp } from "./wire/address.ts";

/** What {@linkcode run} may be told. */
export interface RunOptions {
  /**
   * `fake`, the default: every DNS question is answered here with a made-up address, and the proxy is asked for the name.
   * `off`: DNS gets no special treatment.
   */
  readonly dns?: "fake" | "off";
  /** Addresses of the device itself, in text: they answer an echo request. */
  readonly addresses?: readonly string[];
  /** Other bounds than the usual ones. */
  readonly limits?: Partial<Limits>;
  /** What is chosen of TCP: the congestion control, the user timeout, keep-alive. */
  readonly tcp?: TcpSettings;
  /** Where words for the operator go; by default nowhere. */
  readonly log?: Log;
}

/** A running stack. */
export interface Running extends AsyncDisposable {
  /** Settles when the device has been closed, by `close` or from outside. */
  readonly closed: Promise<void>;
  /** What happened so far. */
  readonly stats: PseudoTcpStats;
  /** Resets every flow and closes the device; the proxy is left to its owner. */
  close(): Promise<void>;
}

/**
 * Carries every TCP connection that comes out of `device` through `proxy`, until the device is closed.
 *
 * @example The programs behind a device in memory, through a proxy in memory
 * ```ts
 * import { memoryDevice, MemoryClient, run } from "../mod.ts";
 *
 * const { device } = memoryDevice();
 * await using proxy = new MemoryClient();
 * await using running = run(device, proxy);
 * if (running.stats.flows !== 0) throw new Error("nobody has connected yet");
 * ```
 */
export function run(device: Device, proxy: ProxyClient, options: RunOptions = {}): Running {
  return new Runner(device, proxy, options);
}

class Runner implements Running {
  readonly closed: Promise<void>;
  readonly #device: Device;
  readonly #proxy: ProxyClient;
  readonly #report: FlowReport;
  readonly #stack: PseudoTcp;
  readonly #addresses: FakeAddresses | undefined;
  readonly #responder: Responder | undefined;
  readonly #names: Names | undefined;

  constructor(device: Device, proxy: ProxyClient, options: RunOptions) {
    const { dns = "fake", log = SILENT, addresses, limits, tcp } = options;
    this.#device = device;
    this.#proxy = proxy;
    this.#report = new FlowReport(log);
    if (dns === "fake") {
      const table = this.#addresses = new FakeAddresses();
      this.#responder = new Responder(table);
      this.#names = {
        isFake: (address) => cidrContains(FAKE_IPV4, address) || cidrContains(FAKE_IPV6, address),
        nameOf: (address) => table.nameOf(address, performance.now()),
      };
    }
    this.#stack = new PseudoTcp({
      mtu: device.mtu,
      offload: device.offload,
      addresses,
      limits,
      tcp,
      datagramPorts: dns === "fake" ? [DNS_PORT] : [],
      onDatagram: (query, reply) => {
        const answer = this.#answer(query);
        if (answer !== undefined) reply(answer);
      },
    });
    this.closed = this.#run();
  }

  get stats(): PseudoTcpStats {
    return this.#stack.stats;
  }

  async close(): Promise<void> {
    await this.#stack.close();
    // A pump that waits for packets is woken by nothing else.
    await this.#device.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const requests = this.#takeRequests();
    try {
      await this.#stack.attach(this.#device);
    } finally {
      await this.#stack.close();
      await requests;
    }
  }

  async #takeRequests(): Promise<void> {
    for await (const request of this.#stack.flows) void this.#take(request);
  }

  #answer(query: Uint8Array): Uint8Array | undefined {
    return this.#responder?.answer(query, performance.now());
  }

  async #take(request: FlowRequest): Promise<void> {
    const route = routeOf(request.destination, this.#names);
    if (route.to === "resolver") {
      await serveStream(request.accept(), (query) => this.#answer(query));
    } else if (route.to === "nowhere") {
      this.#report.unroutable(request, route.why);
      request.refuse({ refusal: "host-unreachable" });
    } else {
      await this.#holdName(request.destination, () => this.#carry(request, route));
    }
  }

  /** A fake address keeps its name while a flow to it lives. */
  async #holdName({ hostname }: SocketAddress, act: () => Promise<void>): Promise<void> {
    const address = parseIp(hostname)!;
    const isHeld = this.#addresses?.retain(address) ?? false;
    try {
      await act();
    } finally {
      if (isHeld) this.#addresses!.release(address, performance.now());
    }
  }

  async #carry(request: FlowRequest, target: Extract<Route, { to: "tunnel" }>): Promise<void> {
    const found = await this.#connect(request, target);
    if (!("ok" in found)) return this.#refuse(request, target, found);
    if (!found.ok) return this.#refuse(request, target, found.outcome);
    const flow = request.accept();
    this.#report.opened(flow, target);
    this.#report.ended(flow, target, await relay(flow, found));
  }

  async #connect(
    request: FlowRequest,
    { hostname, port }: { readonly hostname: string; readonly port: number },
  ): Promise<TunnelResponse | Outcome> {
    const { signal } = request;
    try {
      return await this.#proxy.connect({ hostname, port }, { signal });
    } catch (error) {
      if (error instanceof ProxyError) return error.outcome;
      if (signal.aborted) return cancelled;
      const detail = `The tunnel failed: ${error instanceof Error ? error.message : error}`;
      return { kind: "proxy_internal_error", refusal: "network-unreachable", status: 0, detail };
    }
  }

  #refuse(request: FlowRequest, target: { hostname: string; port: number }, why: Outcome): void {
    this.#report.refused(request, target, why);
    request.refuse(why);
  }
}

const cancelled: Outcome = {
  kind: "cancelled",
  refusal: "reset",
  status: 0,
  detail: "The program gave up before the proxy answered",
};

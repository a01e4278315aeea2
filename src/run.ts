/**
 * The composition root: joins a device, the stack, the resolver and a way to a proxy, and runs. The only file that knows
 * every room; each of them can be used without the others.
 *
 * @module
 */

import { answerOf } from "./asking.ts";
import { serveStream } from "./dns/serve.ts";
import { PseudoTcp, type PseudoTcpStats, type Strays } from "./flow/pseudo_tcp.ts";
import type { FlowRequest, TcpFlow, TcpFlowRequest, UdpFlowRequest } from "./flow/types.ts";
import { type Log, SILENT } from "./log.ts";
import { type HeldName, type NameOptions, type NameService, openNames } from "./names.ts";
import type { Outcome } from "./outcome.ts";
import { DNS_PORT, type Route, routeOf } from "./policy/route.ts";
import { startRelay } from "./relay.ts";
import { FlowReport } from "./report.ts";
import type { Limits } from "./stack/limits.ts";
import type { TcpSettings } from "./tcp/settings.ts";
import type { Device } from "./tun/device.ts";
import type { OpenTunnel, ProxyClient, Target } from "./tunnel/tunnel.ts";
import { type UdpBind, UdpRoads } from "./udp_roads.ts";
import { IPV6_LENGTH, parseIp } from "./wire/address.ts";

/** What {@linkcode run} may be told. */
export interface RunOptions extends NameOptions {
  /** Refuses DNS over TLS and QUIC (port 853), so that programs come back to port 53. */
  readonly blockDot?: boolean;
  /**
   * Whether a program's UDP port has one port at the proxy for all whom it talks to, where the proxy gives any (Connect-UDP-Bind):
   * `auto`, the default, for destinations that are addresses, from port 1024 on; `always` for those below, too; `off` for none.
   */
  readonly udpBind?: UdpBind;
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
 * Carries every TCP connection and every UDP association that comes out of `device` through `proxy`, until the device is closed.
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
  const names = openNames(proxy, options, options.log ?? SILENT);
  return new Runner(device, proxy, { ...options, names });
}

/** What one of several brings along that a program alone makes by itself. */
export interface ShareOptions extends RunOptions {
  /** Who answers names; it is closed with the rest. */
  readonly names: NameService;
  /** For the first of them. */
  readonly strays?: Strays;
}

/** One of several that share a device. */
export interface RunningShare extends Running {
  /** Takes a frame that another one had for this one. */
  take(frame: Uint8Array): void;
}

/** The same as {@linkcode run}, for one of several that share a device, each with a queue of its own. */
export function runShare(device: Device, proxy: ProxyClient, options: ShareOptions): RunningShare {
  return new Runner(device, proxy, options);
}

class Runner implements RunningShare {
  readonly closed: Promise<void>;
  readonly #device: Device;
  readonly #proxy: ProxyClient;
  readonly #report: FlowReport;
  readonly #stack: PseudoTcp;
  readonly #names: NameService;
  readonly #blockDot: boolean;
  readonly #udp: UdpRoads;
  #isClosed = false;

  constructor(device: Device, proxy: ProxyClient, options: ShareOptions) {
    const { log = SILENT, names, strays, addresses, limits, tcp, blockDot = false } = options;
    this.#device = device;
    this.#proxy = proxy;
    this.#blockDot = blockDot;
    this.#report = new FlowReport(log);
    this.#names = names;
    this.#stack = new PseudoTcp({
      mtu: device.mtu,
      offload: device.offload || device.cuts,
      udpOffload: device.udpOffload,
      addresses,
      limits,
      tcp,
      strays,
      datagramPorts: names.takesDatagrams ? [DNS_PORT] : [],
      onDatagram: async (query, reply, _source, server) => {
        const answer = await names.answer(query, server, "udp");
        if (answer !== undefined && !this.#isClosed) reply(answer);
      },
    });
    this.#udp = new UdpRoads({
      proxy,
      udpBind: options.udpBind ?? "auto",
      displaceFor: (request) => this.#stack.displaceFor(request),
      // A made-up address stands for a name, and nobody sends from one.
      admits: (hostname) => !names.isFake(parseIp(hostname)!),
      onBound: (source, addresses) => this.#report.bound(source, addresses),
      onUnbound: (why) => this.#report.unbound(why),
    });
    this.closed = this.#run();
  }

  get stats(): PseudoTcpStats {
    return this.#stack.stats;
  }

  take(frame: Uint8Array): void {
    this.#stack.take(frame);
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
      this.#isClosed = true;
      await this.#stack.close();
      await this.#names[Symbol.asyncDispose]();
      await requests;
    }
  }

  async #takeRequests(): Promise<void> {
    for await (const request of this.#stack.flows) void this.#take(request);
  }

  async #take(request: FlowRequest): Promise<void> {
    // A fake address keeps its name while a flow to it lives.
    const held = await this.#names.hold(parseIp(request.destination.hostname)!);
    let isCarried = false;
    try {
      isCarried = await this.#answer(request, held);
    } finally {
      if (!isCarried) held[Symbol.dispose]();
    }
  }

  /** Settles once the request has its answer; whether a flow then goes on that holds the name. */
  async #answer(request: FlowRequest, held: HeldName): Promise<boolean> {
    const { destination } = request;
    const route = this.#routeOf(destination, held);
    if (route.to === "resolver") {
      // Datagrams to the resolver make no association: they were answered before.
      if (request.protocol === "udp") request.refuse({ refusal: "port-unreachable" });
      else {
        await serveStream(
          request.accept(),
          (query) => this.#names.answer(query, destination, "tcp"),
        );
      }
    } else if (route.to === "nowhere") {
      this.#report.unroutable(request, route.why);
      request.refuse(route);
    } else if (request.protocol === "tcp") {
      return await this.#carry(request, route, held);
    } else {
      await this.#carryDatagrams(request, route);
    }
    return false;
  }

  #routeOf(destination: Target, { name }: HeldName): Route {
    const { isResolver, isFake } = this.#names;
    const names = { isResolver, isFake, nameOf: () => name };
    return routeOf(destination, names, { blockDot: this.#blockDot });
  }

  async #carry(
    request: TcpFlowRequest,
    { hostname, port }: Target,
    held: HeldName,
  ): Promise<boolean> {
    const { signal } = request;
    const target = { hostname, port };
    const options = { signal, isSignalBrief: true }; // once accepted, a request is not given up
    const found = await answerOf(signal, () => this.#proxy.connect(target, options));
    if (!found.ok) {
      this.#refuse(request, target, found.outcome);
      return false;
    }
    if (isIpv6(hostname)) this.#names.noteIpv6(true);
    this.#relay(request.accept(), found, target, held);
    return true;
  }

  /** Apart from what opened the flow, whose variables would live as long as it does otherwise. */
  #relay(flow: TcpFlow, tunnel: OpenTunnel, target: Target, held: HeldName): void {
    this.#report.opened(flow, target);
    startRelay(flow, tunnel, (end) => {
      this.#report.ended(flow, target, end);
      held[Symbol.dispose]();
    });
  }

  async #carryDatagrams(request: UdpFlowRequest, { hostname, port }: Target): Promise<void> {
    const target = { hostname, port };
    const found = await this.#udp.open(request, target);
    if (!found.ok) return this.#refuse(request, target, found.outcome);
    if (isIpv6(hostname)) this.#names.noteIpv6(true);
    const flow = request.accept();
    this.#report.opened(flow, target);
    this.#report.endedUdp(flow, target, await found.relay(flow));
  }

  #refuse(request: FlowRequest, target: Target, why: Outcome): void {
    this.#report.refused(request, target, why);
    const isUnroutable = why.kind === "destination_ip_unroutable";
    if (isUnroutable && isIpv6(target.hostname)) this.#names.noteIpv6(false);
    request.refuse(why);
  }
}

/** Whether a target is an address of IPv6, and not a name. */
function isIpv6(hostname: string): boolean {
  return parseIp(hostname)?.length === IPV6_LENGTH;
}

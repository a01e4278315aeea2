/**
 * A proxy that knows every name: whatever is asked for lies on loopback. It notes what it was asked.
 *
 * @module
 */

import { DirectClient } from "../../src/tunnel/local/direct.ts";
import type {
  ConnectOptions,
  Target,
  TunnelEnd,
  TunnelResponse,
  UdpTunnelResponse,
} from "../../src/tunnel/tunnel.ts";

/** Leads each target to its port on 127.0.0.1, or to the port that `ports` gives its name. */
export class LoopbackClient extends DirectClient {
  override readonly description: string = "loopback";
  readonly targets: string[] = [];
  /** The end of each tunnel, in the order in which they were opened. */
  readonly closed: Promise<TunnelEnd>[] = [];
  readonly #ports: Readonly<Record<string, number>>;

  constructor(ports: Readonly<Record<string, number>> = {}) {
    super();
    this.#ports = ports;
  }

  override async connect(target: Target, options?: ConnectOptions): Promise<TunnelResponse> {
    const tunnel = await super.connect(this.#lead(target), options);
    if (tunnel.ok) this.closed.push(tunnel.closed);
    return tunnel;
  }

  override connectUdp(target: Target, options?: ConnectOptions): Promise<UdpTunnelResponse> {
    return super.connectUdp(this.#lead(target, "udp "), options);
  }

  #lead({ hostname, port }: Target, prefix = ""): Target {
    this.targets.push(`${prefix}${hostname}:${port}`);
    return { hostname: "127.0.0.1", port: this.#ports[hostname] ?? port };
  }
}

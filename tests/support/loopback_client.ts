/**
 * A proxy that knows every name: whatever is asked for lies on loopback. It notes what it was asked.
 *
 * @module
 */

import { DirectClient } from "../../src/tunnel/direct.ts";
import type {
  ConnectOptions,
  ProxyClient,
  Target,
  TunnelEnd,
  TunnelResponse,
  UdpTunnelResponse,
} from "../../src/tunnel/tunnel.ts";

/** Leads each target to its port on 127.0.0.1, or to the port that `ports` gives its name. */
export class LoopbackClient implements ProxyClient {
  readonly description = "loopback";
  readonly targets: string[] = [];
  /** The end of each tunnel, in the order in which they were opened. */
  readonly closed: Promise<TunnelEnd>[] = [];
  readonly #direct = new DirectClient();
  readonly #ports: Readonly<Record<string, number>>;

  constructor(ports: Readonly<Record<string, number>> = {}) {
    this.#ports = ports;
  }

  async connect({ hostname, port }: Target, options?: ConnectOptions): Promise<TunnelResponse> {
    this.targets.push(`${hostname}:${port}`);
    const target = { hostname: "127.0.0.1", port: this.#ports[hostname] ?? port };
    const tunnel = await this.#direct.connect(target, options);
    if (tunnel.ok) this.closed.push(tunnel.closed);
    return tunnel;
  }

  connectUdp({ hostname, port }: Target, options?: ConnectOptions): Promise<UdpTunnelResponse> {
    this.targets.push(`${hostname}:${port}`);
    const target = { hostname: "127.0.0.1", port: this.#ports[hostname] ?? port };
    return this.#direct.connectUdp(target, options);
  }

  close(): Promise<void> {
    return this.#direct.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

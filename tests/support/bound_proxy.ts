/**
 * A proxy in memory that gives UDP ports (Connect-UDP-Bind), with the network behind them in the hands of a test.
 *
 * @module
 */

import { MemoryClient, type MemoryUdpScript } from "../../src/tunnel/local/memory.ts";
import type { Outcome } from "../../src/outcome.ts";
import type {
  BoundDatagramTaker,
  BoundUdpResponse,
  BoundUdpTunnel,
  ProxyClient,
  Target,
  TunnelEnd,
} from "../../src/tunnel/tunnel.ts";

/** One port at the proxy. */
export class FakePort {
  /** What was sent from it, as `payload > hostname port`. */
  readonly sent: string[] = [];
  readonly tunnel: BoundUdpTunnel;
  readonly #closed = Promise.withResolvers<TunnelEnd>();
  #taker: BoundDatagramTaker | undefined;
  isOpen = true;

  constructor(publicAddresses: readonly Target[]) {
    void this.#closed.promise.then(() => this.isOpen = false);
    this.tunnel = {
      ok: true,
      status: 200,
      headers: new Headers(),
      publicAddresses,
      readable: new ReadableStream(),
      writable: new WritableStream(),
      drops: { outbound: 0, inbound: 0, unknownContext: 0 },
      closed: this.#closed.promise,
      send: (payload, { hostname, port }) =>
        void this.sent.push(`${new TextDecoder().decode(payload)} > ${hostname} ${port}`),
      receive: (taker) => void (this.#taker = taker),
      close: () => this.#closed.resolve({ reason: "finished", detail: "" }),
    };
  }

  /** Somebody on the network sends to it. */
  hear(text: string, hostname: string, port: number): void {
    this.#taker!.datagram(new TextEncoder().encode(text), { hostname, port });
  }

  /** The proxy ends or resets the tunnel. */
  end(reason: TunnelEnd["reason"]): void {
    this.#closed.resolve({ reason, detail: "" });
  }
}

/** The proxy. */
export class BoundProxy implements ProxyClient {
  readonly description = "in memory";
  readonly ports: FakePort[] = [];
  /** Targets of tunnels of their own. */
  readonly targets: Target[] = [];
  readonly #memory: MemoryClient;
  readonly #refusal: (asked: number) => Outcome | undefined;
  asked = 0;

  constructor(
    refusal: (asked: number) => Outcome | undefined = () => undefined,
    script: MemoryUdpScript = () => "echo",
  ) {
    this.#refusal = refusal;
    this.#memory = new MemoryClient(undefined, (target) => {
      this.targets.push(target);
      return script(target);
    });
  }

  connect: ProxyClient["connect"] = (target, options) => this.#memory.connect(target, options);
  connectUdp: ProxyClient["connectUdp"] = (target, options) =>
    this.#memory.connectUdp(target, options);

  async bindUdp(): Promise<BoundUdpResponse> {
    const outcome = this.#refusal(++this.asked);
    if (outcome !== undefined) {
      return await Promise.resolve({ ok: false, status: 0, headers: new Headers(), outcome });
    }
    const port = new FakePort([{ hostname: "192.0.2.9", port: 40_000 + this.asked }]);
    this.ports.push(port);
    return port.tunnel;
  }

  close(): Promise<void> {
    for (const port of this.ports) port.end("reset");
    return this.#memory.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

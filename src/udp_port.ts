/**
 * One UDP port of a program and the port that it has at the proxy, joined: whatever the program sends leaves from there, whomever it goes to,
 * and whoever sends something there is heard (RFC 4787, REQ-1 and REQ-8: mapping and filter depend on no destination).
 *
 * @module
 */

import type { UdpFlow } from "./flow/types.ts";
import type { BoundUdpTunnel, Target, TunnelEnd } from "./tunnel/tunnel.ts";
import type { UdpRelayEnd } from "./udp_relay.ts";

/** Says whether somebody to whom the program has not written may be heard. */
export type Admits = (hostname: string) => boolean;

/** The end of a flow whose tunnel goes on for others. */
const GOES_ON: TunnelEnd = { reason: "finished", detail: "" };

/** A port that stands. It lives as long as one of its flows, and is counted from the first {@linkcode BoundPort.hold}. */
export class BoundPort {
  readonly #tunnel: BoundUdpTunnel;
  readonly #flows = new Map<string, UdpFlow>();
  readonly #onOver: () => void;
  #holders = 0;
  #isOver = false;

  /** Takes `tunnel` over. `onOver` hears that the port takes no more flows. */
  constructor(tunnel: BoundUdpTunnel, admits: Admits, onOver: () => void) {
    this.#tunnel = tunnel;
    this.#onOver = onOver;
    // Datagrams of one peer come in a row, and mostly with one and the same object for it.
    let [last, flow]: [Target | undefined, UdpFlow | undefined] = [undefined, undefined];
    tunnel.receive({
      datagram: (payload, peer) => {
        if (peer !== last || flow !== this.#flows.get(keyOf(peer))) {
          [last, flow] = [peer, this.#flows.get(keyOf(peer))];
        }
        if (flow !== undefined) flow.send(payload);
        else if (admits(peer.hostname)) this.#anyFlow()?.sendFrom(peer, payload);
      },
    });
    void tunnel.closed.then(({ reason }) => {
      this.#finish();
      for (const flow of this.#flows.values()) {
        flow.close(reason === "reset" ? "port-unreachable" : undefined);
      }
    });
  }

  /** Where peers see it. */
  get publicAddresses(): readonly Target[] {
    return this.#tunnel.publicAddresses;
  }

  /** Whether it takes no more flows. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether an address is of a family that the port has. */
  reaches(hostname: string): boolean {
    const isV6 = hostname.includes(":");
    return this.publicAddresses.some(({ hostname }) => hostname.includes(":") === isV6);
  }

  /** Announces a flow, so that the port waits for it; {@linkcode BoundPort.relay} takes it. */
  hold(): void {
    this.#holders++;
  }

  /** Carries a flow that was announced, to its end. The port ends with its last one. Never rejects. */
  async relay(flow: UdpFlow): Promise<UdpRelayEnd & { readonly isLast: boolean }> {
    const peer = flow.destination;
    const key = keyOf(peer);
    this.#flows.set(key, flow);
    flow.receive((payload) => this.#tunnel.send(payload, peer));
    if (this.#isOver) flow.close();
    const flowEnd = await flow.closed;
    // Its successor may stand there already.
    if (this.#flows.get(key) === flow) this.#flows.delete(key);
    const isLast = --this.#holders === 0;
    if (!isLast) return { flow: flowEnd, tunnel: GOES_ON, isLast };
    this.#finish();
    this.#tunnel.close();
    return { flow: flowEnd, tunnel: await this.#tunnel.closed, isLast };
  }

  #anyFlow(): UdpFlow | undefined {
    for (const flow of this.#flows.values()) return flow;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}

function keyOf({ hostname, port }: Target): string {
  return `${hostname} ${port}`;
}

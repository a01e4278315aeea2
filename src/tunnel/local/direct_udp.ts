/**
 * UDP without a proxy: a socket of the kernel behind the face of a tunnel. The road to measure the others against.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { ProxyError } from "../../errors.ts";
import { unanswered } from "../../masque/outcome.ts";
import { openUdpSocket } from "../../sockets/open.ts";
import type { Endpoint, UdpSocket } from "../../sockets/udp_socket.ts";
import { parseIp } from "../../wire/address.ts";
import type { OpenUdpTunnel, Target, TunnelEnd, UdpDrops } from "../tunnel.ts";
import { type UdpCarrier, UdpTunnel } from "../duplex/udp_tunnel.ts";

/** Opens a socket to `target`; rejects with an `Error` that has a `code`. The first address of a name serves: UDP cannot tell which one lives. */
export async function directUdp(target: Target, signal: AbortSignal): Promise<OpenUdpTunnel> {
  const { address } = await lookup(target.hostname);
  signal.throwIfAborted();
  const remote = { address: parseIp(address)!, port: target.port };
  const carrier = new SocketCarrier(signal);
  const tunnel = new UdpTunnel({ status: 200, headers: new Headers() }, () => carrier);
  await carrier.open(remote, tunnel);
  return tunnel;
}

class SocketCarrier implements UdpCarrier {
  readonly closed: Promise<TunnelEnd>;
  readonly #signal: AbortSignal;
  readonly #settle: (end: TunnelEnd) => void;
  readonly #abort = () => this.break(this.#signal.reason);
  #socket: UdpSocket | undefined;
  #tunnel: UdpTunnel | undefined;
  #late = 0;

  constructor(signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<TunnelEnd>();
    this.closed = promise;
    this.#settle = resolve;
    this.#signal = signal;
  }

  get drops(): Omit<UdpDrops, "inbound"> {
    return { outbound: this.#late + (this.#socket?.drops ?? 0), unknownContext: 0 };
  }

  async open(remote: Endpoint, tunnel: UdpTunnel): Promise<void> {
    this.#tunnel = tunnel;
    this.#socket = await openUdpSocket({ remote }, {
      datagram: (payload) => tunnel.deliver(payload),
      batchEnd: () => tunnel.batchEnd(),
      failed: (code) => {
        const detail = `The tunnel was reset: ${code}`;
        this.break(new ProxyError(unanswered("connection_terminated", detail)));
      },
    });
    this.#signal.addEventListener("abort", this.#abort);
    if (this.#signal.aborted) this.#abort();
  }

  send(payload: Uint8Array): void {
    if (this.#tunnel === undefined) this.#late++;
    else this.#socket!.send(payload);
  }

  end(): void {
    this.#finish(undefined, { reason: "finished", detail: "" });
  }

  break(reason: unknown): void {
    const detail = reason instanceof Error ? reason.message : `Broken off: ${reason}`;
    this.#finish(reason ?? new Error("The tunnel was reset"), { reason: "reset", detail });
  }

  #finish(failure: unknown, end: TunnelEnd): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined) return;
    this.#tunnel = undefined;
    this.#signal.removeEventListener("abort", this.#abort);
    tunnel.ended(failure);
    void this.#socket!.close().then(() => this.#settle(end));
  }
}

/**
 * The in-memory twin of a UDP tunnel: two ends, and what one sends the other hears in the next microtask.
 *
 * @module
 */

import { MAX_UDP_PAYLOAD_BYTES } from "../../masque/datagram.ts";
import type { OpenUdpTunnel, Target, TunnelEnd, UdpDrops } from "../tunnel.ts";
import { type UdpCarrier, UdpTunnel } from "../duplex/udp_tunnel.ts";

/** Datagrams on their way at once; a sender that fills this in one turn loses the oldest. */
const MAX_UNDER_WAY = 1_024;

/** The other end of a UDP tunnel in memory: the origin, as it were. Its streams and methods are those of the tunnel. */
export interface UdpFarSide extends Omit<OpenUdpTunnel, "ok" | "status" | "headers"> {
  /** Where the tunnel was asked to lead. */
  readonly target: Target;
  /** The header fields of the request. */
  readonly headers: Headers;
  /** Resets the tunnel. */
  reset(reason?: unknown): void;
}

/** Two ends of one tunnel. */
export function memoryUdp(signal: AbortSignal): {
  near: OpenUdpTunnel;
  far: OpenUdpTunnel;
  reset(reason?: unknown): void;
} {
  const near = new MemoryCarrier();
  const far = new MemoryCarrier();
  const ends = { near: near.open(far), far: far.open(near) };
  const abort = () => near.break(signal.reason);
  signal.addEventListener("abort", abort);
  void near.closed.then(() => signal.removeEventListener("abort", abort));
  return { ...ends, reset: (reason) => near.break(reason) };
}

class MemoryCarrier implements UdpCarrier {
  readonly closed: Promise<TunnelEnd>;
  readonly #settle: (end: TunnelEnd) => void;
  #other!: MemoryCarrier;
  #tunnel!: UdpTunnel;
  #underWay: Uint8Array<ArrayBuffer>[] = [];
  #isOver = false;
  #outbound = 0;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<TunnelEnd>();
    this.closed = promise;
    this.#settle = resolve;
  }

  get drops(): Omit<UdpDrops, "inbound"> {
    return { outbound: this.#outbound, unknownContext: 0 };
  }

  open(other: MemoryCarrier): OpenUdpTunnel {
    this.#other = other;
    return this.#tunnel = new UdpTunnel({ status: 200, headers: new Headers() }, () => this);
  }

  send(payload: Uint8Array): void {
    if (this.#isOver || payload.length > MAX_UDP_PAYLOAD_BYTES) return void this.#outbound++;
    if (this.#underWay.push(payload.slice()) === 1) queueMicrotask(() => this.#pass());
    if (this.#underWay.length <= MAX_UNDER_WAY) return;
    this.#underWay.shift();
    this.#outbound++;
  }

  end(): void {
    if (this.#isOver) return;
    this.#pass();
    for (const side of [this, this.#other]) {
      side.#finish(undefined, { reason: "finished", detail: "" });
    }
  }

  break(reason: unknown = new Error("The tunnel was reset")): void {
    const detail = `The tunnel was reset: ${reason}`;
    for (const side of [this, this.#other]) side.#finish(reason, { reason: "reset", detail });
  }

  #pass(): void {
    if (this.#isOver) return;
    for (const payload of this.#underWay.splice(0)) this.#other.#tunnel.deliver(payload);
    this.#other.#tunnel.batchEnd();
  }

  #finish(failure: unknown, end: TunnelEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tunnel.ended(failure);
    this.#settle(end);
  }
}

/**
 * An open tunnel for UDP: one face for whatever carries the datagrams.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { type CapsuleFault, DATAGRAM_CAPSULE } from "../../masque/capsule.ts";
import {
  contextOf,
  MAX_DATAGRAM_BYTES,
  MAX_UDP_PAYLOAD_BYTES,
  payloadOf,
  UDP_CONTEXT,
} from "../../masque/datagram.ts";
import { CapsuleChannel } from "./capsule_channel.ts";
import { type DatagramSink, DatagramStreams } from "./datagram_streams.ts";
import type { DuplexTunnelOptions } from "./duplex_tunnel.ts";
import type { DatagramTaker, OpenUdpTunnel, TunnelEnd, UdpDrops } from "../tunnel.ts";

/** What an answer said. */
export interface UdpAnswer {
  readonly status: number;
  readonly headers: Headers;
}

/** What carries the datagrams of one tunnel. */
export interface UdpCarrier extends DatagramSink<Uint8Array> {
  readonly closed: Promise<TunnelEnd>;
  /** Datagrams lost on this side. */
  readonly drops: Omit<UdpDrops, "inbound">;
}

/** The face: streams, and the batch path beside them. */
export class UdpTunnel implements OpenUdpTunnel {
  readonly ok = true;
  readonly status: number;
  readonly headers: Headers;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBufferLike>>;
  readonly #carrier: UdpCarrier;
  readonly #streams: DatagramStreams<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBufferLike>>;
  #taker: DatagramTaker | undefined;
  /** A read may bring no more than half a datagram. */
  #hasTaken = false;

  /** `carry` makes the carrier, which calls {@linkcode deliver}, {@linkcode batchEnd} and {@linkcode ended}. */
  constructor({ status, headers }: UdpAnswer, carry: (tunnel: UdpTunnel) => UdpCarrier) {
    this.status = status;
    this.headers = headers;
    this.#carrier = carry(this);
    this.#streams = new DatagramStreams(PAYLOADS, this.#carrier);
    this.readable = this.#streams.readable;
    this.writable = this.#streams.writable;
  }

  /** Settles when the tunnel has ended. */
  get closed(): Promise<TunnelEnd> {
    return this.#carrier.closed;
  }

  /** Lost datagrams. */
  get drops(): UdpDrops {
    return { ...this.#carrier.drops, inbound: this.#streams.dropped };
  }

  /** Sends one payload. */
  send(payload: Uint8Array): void {
    this.#carrier.send(payload);
  }

  /** Hands datagrams to `taker` from now on. */
  receive(taker: DatagramTaker): void {
    this.#taker = taker;
  }

  /** Ends the tunnel behind what was sent. */
  close(): void {
    this.#carrier.end();
  }

  /** A payload came; a view. */
  deliver(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#taker === undefined) this.#streams.push(payload);
    else {
      this.#hasTaken = true;
      this.#taker.datagram(payload);
    }
  }

  /** No further payload for the moment. */
  batchEnd(): void {
    if (!this.#hasTaken) return;
    this.#hasTaken = false;
    this.#taker?.batchEnd?.();
  }

  /** The carrier is over. */
  ended(failure: unknown): void {
    this.#streams.ended(failure);
  }
}

/** A waiting payload is a copy: the original may be a view of something large, or be used again. */
const PAYLOADS = {
  size: (payload: Uint8Array<ArrayBuffer>): number => payload.length,
  keep: (payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => payload.slice(),
};

/**
 * Opens the tunnel that an answer granted, over capsules (RFC 9298, section 5) or over the chunks of
 * draft-ietf-masque-connect-udp-03, section 5, which have no Context ID. Call it in the very turn in which the answer came.
 */
export function capsuleTunnel(
  duplex: Duplex,
  options: DuplexTunnelOptions,
  answer: UdpAnswer & { readonly draft03?: boolean },
): OpenUdpTunnel {
  let carrier!: CapsuleCarrier;
  const context = answer.draft03 ? undefined : UDP_CONTEXT;
  const tunnel = new UdpTunnel(answer, (tunnel) => {
    return carrier = new CapsuleCarrier(duplex, options, tunnel, context);
  });
  carrier.start();
  return tunnel;
}

class CapsuleCarrier implements UdpCarrier {
  readonly #channel: CapsuleChannel;
  readonly #tunnel: UdpTunnel;
  readonly #context: number | undefined;
  #unknownContext = 0;
  #late = 0;

  constructor(
    duplex: Duplex,
    options: DuplexTunnelOptions,
    tunnel: UdpTunnel,
    context: number | undefined,
  ) {
    this.#tunnel = tunnel;
    this.#context = context;
    this.#channel = new CapsuleChannel(duplex, options, {
      maxLength: (type) => type === DATAGRAM_CAPSULE ? MAX_DATAGRAM_BYTES : -1,
      capsule: (_type, value) => this.#take(value),
      batchEnd: () => tunnel.batchEnd(),
      ended: (failure) => tunnel.ended(failure),
    });
  }

  get closed(): Promise<TunnelEnd> {
    return this.#channel.closed;
  }

  get drops(): Omit<UdpDrops, "inbound"> {
    const outbound = this.#channel.dropped + this.#late;
    return { outbound, unknownContext: this.#unknownContext };
  }

  start(): void {
    this.#channel.start();
  }

  send(payload: Uint8Array): void {
    if (!this.#channel.isOpen) return void this.#late++;
    this.#channel.send(this.#context, payload);
  }

  end(): void {
    this.#channel.end();
  }

  break(reason: unknown): void {
    this.#channel.break(reason);
  }

  #take(value: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    let payload = value;
    if (this.#context !== undefined) {
      if (contextOf(value) !== this.#context) return void this.#unknownContext++;
      payload = payloadOf(value);
    }
    if (payload.length > MAX_UDP_PAYLOAD_BYTES) {
      return "it holds a payload longer than UDP has them";
    }
    this.#tunnel.deliver(payload);
  }
}

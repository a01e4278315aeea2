/**
 * A UDP port at the proxy over a stream of capsules (draft-ietf-masque-connect-udp-listen-13).
 *
 * The uncompressed context is opened at once, so that everybody can be talked to and heard. A peer that is written to often gets a context of its
 * own, which makes its datagrams 8 or 20 bytes shorter.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import {
  type BindPeer,
  COMPRESSION_ASSIGN,
  COMPRESSION_CLOSE,
  encodePeer,
  getPeer,
  MAX_BIND_CAPSULE_BYTES,
  parsePublicAddresses,
  peerLength,
} from "../../masque/bind_capsules.ts";
import { BindContexts, peerKey } from "../../masque/bind_contexts.ts";
import { type CapsuleFault, DATAGRAM_CAPSULE } from "../../masque/capsule.ts";
import {
  contextOf,
  MAX_DATAGRAM_BYTES,
  MAX_UDP_PAYLOAD_BYTES,
  payloadOf,
  UDP_CONTEXT,
} from "../../masque/datagram.ts";
import { formatIp, parseIp } from "../../wire/address.ts";
import { CapsuleChannel } from "./capsule_channel.ts";
import { DatagramStreams } from "./datagram_streams.ts";
import type { DuplexTunnelOptions } from "./duplex_tunnel.ts";
import type {
  BoundDatagram,
  BoundDatagramTaker,
  BoundUdpTunnel,
  Target,
  TunnelEnd,
  UdpDrops,
} from "../tunnel.ts";
import type { UdpAnswer } from "./udp_tunnel.ts";

/** Datagrams to one peer after which it gets a context of its own: a probe of ICE has fewer, a conversation more. */
const COMPRESS_AFTER = 8;

/** Peers whose bytes are remembered. More of them cost time and are right all the same. */
const MAX_PEERS = 1_024;

/** The longest uncompressed datagram. */
const MAX_BOUND_BYTES = MAX_DATAGRAM_BYTES + 19;

/** A peer as text, and as what stands in datagrams. */
interface KnownPeer {
  readonly text: Target;
  readonly peer: BindPeer;
  readonly key: string;
  readonly prefix: Uint8Array;
  /** Datagrams sent to it without a context of its own. */
  sent: number;
}

const DATAGRAMS = {
  size: ({ payload }: BoundDatagram): number => payload.length,
  keep: ({ payload, peer }: BoundDatagram): BoundDatagram => ({ payload: payload.slice(), peer }),
};

/** The tunnel of an answer that granted it. Call it in the very turn in which the answer came, and `start` it there. */
export class BoundTunnel implements BoundUdpTunnel {
  readonly ok = true;
  readonly status: number;
  readonly headers: Headers;
  readonly publicAddresses: readonly Target[];
  readonly readable: ReadableStream<BoundDatagram>;
  readonly writable: WritableStream<BoundDatagram>;
  readonly #channel: CapsuleChannel;
  readonly #streams: DatagramStreams<BoundDatagram, BoundDatagram>;
  readonly #contexts = new BindContexts({ side: "client", allows: () => true });
  /** By text and by key, in the order of their first use. */
  readonly #byText = new Map<string, KnownPeer>();
  readonly #byKey = new Map<string, KnownPeer>();
  #taker: BoundDatagramTaker | undefined;
  #unknownContext = 0;
  #late = 0;

  /** `options` as for a tunnel of bytes. */
  constructor(duplex: Duplex, options: DuplexTunnelOptions, { status, headers }: UdpAnswer) {
    this.status = status;
    this.headers = headers;
    this.publicAddresses = parsePublicAddresses(headers.get("proxy-public-address"));
    const isBind = (type: number) => type >= COMPRESSION_ASSIGN && type <= COMPRESSION_CLOSE;
    this.#channel = new CapsuleChannel(duplex, options, {
      maxLength: (type) =>
        type === DATAGRAM_CAPSULE ? MAX_BOUND_BYTES : isBind(type) ? MAX_BIND_CAPSULE_BYTES : -1,
      capsule: (type, value) =>
        type === DATAGRAM_CAPSULE ? this.#take(value) : this.#takeControl(type, value),
      batchEnd: () => this.#taker?.batchEnd?.(),
      ended: (failure) => this.#streams.ended(failure),
    });
    this.#streams = new DatagramStreams(DATAGRAMS, {
      send: ({ payload, peer }) => this.send(payload, peer),
      end: () => this.#channel.end(),
      break: (reason) => this.#channel.break(reason),
    });
    this.readable = this.#streams.readable;
    this.writable = this.#streams.writable;
  }

  /** Settles when the tunnel has ended. */
  get closed(): Promise<TunnelEnd> {
    return this.#channel.closed;
  }

  /** Lost datagrams. */
  get drops(): UdpDrops {
    return {
      outbound: this.#channel.dropped + this.#late,
      inbound: this.#streams.dropped,
      unknownContext: this.#unknownContext,
    };
  }

  /** Opens the uncompressed context and takes in what came along with the answer. */
  start(): this {
    this.#offer(undefined);
    this.#channel.start();
    return this;
  }

  /** Sends one payload to `peer`. */
  send(payload: Uint8Array, peer: Target): void {
    const known = this.#lookUp(peer);
    if (!this.#channel.isOpen) return void this.#late++;
    const { queue } = this.#channel;
    if (this.#contexts.numberFor(known.key) === undefined && ++known.sent === COMPRESS_AFTER) {
      this.#offer(known.peer);
    }
    const own = this.#contexts.numberFor(known.key);
    const shared = this.#contexts.uncompressed;
    const context = own ?? shared;
    if (context === undefined) return void this.#late++;
    const prefix = own === undefined ? known.prefix : undefined;
    if (this.#contexts.isShared(context)) return this.#channel.send(context, payload, prefix);
    queue.push(context, payload, prefix);
    this.#channel.wake();
  }

  /** Hands datagrams to `taker` from now on. */
  receive(taker: BoundDatagramTaker): void {
    this.#taker = taker;
  }

  /** Ends the tunnel behind what was sent. */
  close(): void {
    this.#channel.end();
  }

  #offer(peer: BindPeer | undefined): void {
    const capsule = this.#contexts.open(peer);
    if (capsule === undefined) return;
    this.#channel.queue.pushControl(capsule);
    this.#channel.wake();
  }

  #takeControl(type: number, value: Uint8Array): CapsuleFault | undefined {
    const taken = this.#contexts.take(type, value);
    if ("fault" in taken) return taken.fault;
    if (taken.answer === undefined) return undefined;
    this.#channel.queue.pushControl(taken.answer);
    this.#channel.wake();
  }

  #take(value: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    const context = contextOf(value);
    // Section 3: without a target of the request, context 0 means nothing and must not be used.
    if (context === UDP_CONTEXT) return "it uses the context 0 in a bound tunnel";
    const meaning = this.#contexts.meaningOf(context);
    if (meaning === undefined) return void this.#unknownContext++;
    let payload = payloadOf(value);
    let { peer } = meaning;
    if (peer === undefined) {
      const length = peerLength(payload, 0);
      if (length === 0) return void this.#unknownContext++;
      peer = getPeer(payload, 0);
      payload = payload.subarray(length);
    }
    if (payload.length > MAX_UDP_PAYLOAD_BYTES) {
      return "it holds a payload longer than UDP has them";
    }
    const { text } = this.#byKey.get(peerKey(peer)) ?? this.#remember(peer);
    if (this.#taker === undefined) this.#streams.push({ payload, peer: text });
    else this.#taker.datagram(payload, text);
  }

  #lookUp({ hostname, port }: Target): KnownPeer {
    const known = this.#byText.get(`${hostname} ${port}`);
    if (known !== undefined) return known;
    const address = parseIp(hostname);
    if (address === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(
        `Cannot send to "${hostname}" port "${port}" from a bound tunnel: give an IP address and a port from 1 to 65535`,
      );
    }
    const peer = { address, port };
    const remembered = this.#byKey.get(peerKey(peer)) ?? this.#remember(peer);
    this.#byText.set(`${hostname} ${port}`, remembered);
    forgetOldest(this.#byText);
    return remembered;
  }

  #remember(peer: BindPeer): KnownPeer {
    const text = { hostname: formatIp(peer.address), port: peer.port };
    const known = { text, peer, key: peerKey(peer), prefix: encodePeer(peer), sent: 0 };
    this.#byKey.set(known.key, known);
    forgetOldest(this.#byKey);
    return known;
  }
}

function forgetOldest(peers: Map<string, KnownPeer>): void {
  if (peers.size <= MAX_PEERS) return;
  for (const key of peers.keys()) return void peers.delete(key);
}

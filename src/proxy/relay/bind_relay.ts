/**
 * A UDP port of the proxy for one client and many peers (draft-ietf-masque-connect-udp-listen-13, section 8). The mapping depends on nobody
 * (RFC 4787, REQ-1); who is heard is up to the client, which can close the uncompressed context, and to the guard.
 *
 * @module
 */

import {
  type BindPeer,
  COMPRESSION_ASSIGN,
  COMPRESSION_CLOSE,
  encodePeer,
  getPeer,
  MAX_BIND_CAPSULE_BYTES,
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
import type { Endpoint, UdpSocket, UdpSocketEvents } from "../../sockets/udp_socket.ts";
import { CapsuleStream, type CapsuleTransport } from "./capsule_stream.ts";
import type { Guard } from "../guard.ts";

/** The longest uncompressed datagram. */
const MAX_BOUND_BYTES = MAX_DATAGRAM_BYTES + 19;

/** Answers to a client that opens contexts and does not read (section 9: the stream is broken off then). */
const MAX_WAITING_ANSWERS = 256;

/** A port, before and after it is opened. */
export class BindRelay implements UdpSocketEvents {
  /** The client's side. */
  readonly stream: CapsuleStream;
  readonly #guard: Guard;
  readonly #contexts: BindContexts;
  readonly #over = Promise.withResolvers<void>();
  /** By the length of their addresses. */
  readonly #sockets = new Map<number, UdpSocket>();

  /** `guard` says whom the client may send to and hear. */
  constructor(transport: CapsuleTransport, idleMs: number, guard: Guard) {
    this.#guard = guard;
    this.#contexts = new BindContexts({ side: "proxy", allows: (peer) => this.#allows(peer) });
    const isBind = (type: number) => type >= COMPRESSION_ASSIGN && type <= COMPRESSION_CLOSE;
    const rules = {
      maxLength: (type: number) =>
        type === DATAGRAM_CAPSULE ? MAX_BOUND_BYTES : isBind(type) ? MAX_BIND_CAPSULE_BYTES : -1,
      capsule: (type: number, value: Uint8Array<ArrayBuffer>) =>
        type === DATAGRAM_CAPSULE ? this.#send(value) : this.#takeControl(type, value),
    };
    this.stream = new CapsuleStream(transport, rules, idleMs, () => this.#close());
  }

  /** Settles when the tunnel is over and its sockets closed. */
  get closed(): Promise<void> {
    return this.#over.promise;
  }

  /** Joins the sockets to the stream, once the head of the answer has been written. */
  start(sockets: readonly UdpSocket[]): void {
    for (const socket of sockets) this.#sockets.set(socket.local.address.length, socket);
    this.stream.start();
  }

  /** A datagram from a peer; without a context for it nobody asked to hear it. */
  datagram(payload: Uint8Array, from?: Endpoint): void {
    const peer = from!;
    if (!this.#guard(peer.address)) return;
    const own = this.#contexts.numberFor(peerKey(peer));
    const shared = this.#contexts.uncompressed;
    // Every context is the client's, so it knows them all.
    if (own !== undefined) this.stream.send(own, payload);
    else if (shared !== undefined) this.stream.send(shared, payload, encodePeer(peer));
  }

  /** No further one for the moment. */
  batchEnd(): void {
    this.stream.flush();
  }

  /** A socket for many peers does not fail because of one. */
  failed(): void {}

  #allows(peer: BindPeer): boolean {
    return this.#sockets.has(peer.address.length) && this.#guard(peer.address) && peer.port > 0;
  }

  #takeControl(type: number, value: Uint8Array): CapsuleFault | undefined {
    const taken = this.#contexts.take(type, value);
    if ("fault" in taken) return taken.fault;
    if (taken.answer === undefined) return undefined;
    const { queue } = this.stream;
    if (queue.controlWaiting >= MAX_WAITING_ANSWERS) return "it does not read our answers";
    queue.pushControl(taken.answer);
  }

  #send(value: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    const context = contextOf(value);
    // Section 3: without a target of the request, context 0 means nothing and must not be used.
    if (context === UDP_CONTEXT) return "it uses the context 0 in a bound tunnel";
    const meaning = this.#contexts.meaningOf(context);
    if (meaning === undefined) return undefined; // closed, or nobody opened it
    let payload = payloadOf(value);
    let { peer } = meaning;
    if (peer === undefined) {
      const length = peerLength(payload, 0);
      if (length === 0) return undefined;
      peer = getPeer(payload, 0);
      payload = payload.subarray(length);
      if (!this.#allows(peer)) return undefined;
    }
    if (payload.length > MAX_UDP_PAYLOAD_BYTES) {
      return "it holds a payload longer than UDP has them";
    }
    this.#sockets.get(peer.address.length)?.send(payload, peer);
  }

  #close(): void {
    const closing = [...this.#sockets.values()].map((socket) => socket.close());
    void Promise.all(closing).then(() => this.#over.resolve());
  }
}

/**
 * Answers that belong to no flow wait here for the device, and leave in pieces where they are long; those that anybody can provoke
 * are limited in rate.
 *
 * @module
 */

import { Fragmenter } from "./fragmentation.ts";
import type { Identification } from "./identification.ts";
import type { Limits } from "./limits.ts";
import type { PathMtus } from "./path_mtu.ts";
import { Queue } from "./queue.ts";
import { targetOf } from "./reply_packets.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The bounded queue of answers, and the rate of those that nobody asked for. */
export class Replies {
  readonly #packets = new Queue<Uint8Array>();
  readonly #limits: Limits;
  readonly #mtu: number;
  readonly #pathMtus: PathMtus;
  readonly #fragmenter: Fragmenter;
  #bytes = 0;
  /** The rate of RSTs to segments without a flow. */
  readonly resets: TokenBucket;
  /** The rate of ICMP errors: a flood that provokes these must not silence the RSTs. */
  readonly errors: TokenBucket;

  /** No answers yet. `mtu` is the device's. */
  constructor(limits: Limits, mtu: number, pathMtus: PathMtus, identification: Identification) {
    this.#limits = limits;
    this.#mtu = mtu;
    this.#pathMtus = pathMtus;
    this.#fragmenter = new Fragmenter(identification);
    this.resets = new TokenBucket(limits.repliesPerSecond);
    this.errors = new TokenBucket(limits.repliesPerSecond);
  }

  /** Queues an answer; false when the queue is full. */
  push(packet: Uint8Array): boolean {
    const { replies, replyBytes } = this.#limits;
    if (this.#packets.length >= replies || this.#bytes + packet.length > replyBytes) return false;
    this.#packets.push(packet);
    this.#bytes += packet.length;
    return true;
  }

  /** Writes the next frame of the answer that waits longest; 0 when there is none. */
  poll(frame: Uint8Array, now: number): number {
    const length = this.#fragmenter.next(frame);
    if (length > 0) return length;
    const packet = this.#packets.shift();
    if (packet === undefined) return 0;
    this.#bytes -= packet.length;
    const mtu = Math.min(this.#mtu, this.#pathMtus.get(targetOf(packet), now));
    return this.#fragmenter.begin(packet, mtu, frame);
  }
}

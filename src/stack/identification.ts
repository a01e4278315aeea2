/**
 * Identifications of packets that may be cut, unique for each pair of hosts and not to be guessed from outside (RFC 6864,
 * section 4.3; RFC 7739, section 5.3).
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";
import { sipHash } from "../tcp/isn.ts";

/** Pairs of hosts share this many counters; a shared one only counts faster. A power of two. */
const COUNTERS = 1024;

/** Where one pair of hosts began to count, and which counter counts for it: for those who send many packets, so that they hash once. */
export interface IdSequence {
  readonly start: number;
  readonly index: number;
}

/** A hash of the pair says where it begins to count, another half of it which counter counts. */
export class Identification {
  readonly #secret: Uint8Array;
  readonly #counters = new Uint32Array(COUNTERS);

  /** `secret` is 16 bytes of chance. */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** The next 32 bits for a packet from `source` to `destination`, of which IPv4 takes the lower half; `count` of them are used up. */
  next(source: Uint8Array, destination: Uint8Array, protocol: number, count = 1): number {
    return this.take(this.sequence(source, destination, protocol), count);
  }

  /** How packets from `source` to `destination` are counted. */
  sequence(source: Uint8Array, destination: Uint8Array, protocol: number): IdSequence {
    const tuple = concatBytes([source, destination, Uint8Array.of(protocol)]);
    const [start, index] = sipHash(this.#secret, tuple);
    return { start, index: index & (COUNTERS - 1) };
  }

  /** The next of a sequence, of which `count` are used up. */
  take({ start, index }: IdSequence, count = 1): number {
    const counter = this.#counters[index];
    this.#counters[index] += count;
    return (start + counter) >>> 0;
  }
}

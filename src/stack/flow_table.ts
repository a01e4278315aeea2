/**
 * From the 5-tuple of a packet to its flow: a hash table that compares bytes in place, so that a look-up allocates nothing.
 *
 * @module
 */

import { getU32 } from "../bytes.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { IpPacket } from "../wire/ip.ts";

/** What a flow is found by; the protocol is that of the table. `source` is the program's end. */
export interface TableEntry<E> {
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly hash: number;
  /** The next entry of the same bucket. */
  next: E | undefined;
}

/** One TCP flow of the stack. */
export interface FlowEntry extends TableEntry<FlowEntry> {
  readonly id: number;
  readonly endpoint: Endpoint;
  /** Pseudo-header sum of what is sent to the program, without the length. */
  readonly pseudoSum: number;
  /** The SYN as it came, to be quoted by an ICMP refusal; gone once the request is answered. */
  syn: Uint8Array | undefined;
  /** When an unanswered request is refused; Infinity once it is answered. */
  requestDeadline: number;
  /** Stands in the queue of flows that may have something to send. */
  isReady: boolean;
  /** The deadline under which the entry stands in the heap; Infinity when it does not. */
  scheduledAt: number;
  /** The end was told. */
  hasEnded: boolean;
  /** The 5-tuple is free again: only the reader still holds on to this entry. */
  isUnlinked: boolean;
  /** Nobody will read any more. */
  readerIsDone: boolean;
  /** What of the common memory is counted for it. */
  heldBytes: number;
  /** The path is narrower than a segment may be made: routers cut instead (IPv4). */
  mayFragment: boolean;
}

const INITIAL_BUCKETS = 256;

/** All flows of one protocol by their 5-tuple. */
export class FlowTable<E extends TableEntry<E>> {
  #buckets: (E | undefined)[] = new Array(INITIAL_BUCKETS).fill(undefined);
  #size = 0;
  readonly #secret: number;

  /** `secret` keeps a program from choosing ports that all fall into one bucket. */
  constructor(secret: number) {
    this.#secret = secret;
  }

  /** How many flows there are. */
  get size(): number {
    return this.#size;
  }

  /** The hash of a packet's 5-tuple. */
  hash(bytes: Uint8Array, packet: IpPacket, sourcePort: number, destinationPort: number): number {
    let hash = mix(this.#secret, (sourcePort << 16) | destinationPort);
    for (let i = 0; i < packet.addressLength; i += 4) {
      hash = mix(hash, getU32(bytes, packet.sourceAt + i));
      hash = mix(hash, getU32(bytes, packet.destinationAt + i));
    }
    return hash >>> 0;
  }

  /** The flow of a packet with this hash. */
  find(
    hash: number,
    bytes: Uint8Array,
    packet: IpPacket,
    sourcePort: number,
    destinationPort: number,
  ): E | undefined {
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    while (entry !== undefined) {
      if (
        entry.hash === hash && entry.sourcePort === sourcePort &&
        entry.destinationPort === destinationPort && entry.version === packet.version &&
        holds(bytes, packet.sourceAt, entry.source) &&
        holds(bytes, packet.destinationAt, entry.destination)
      ) return entry;
      entry = entry.next;
    }
    return undefined;
  }

  /** Adds an entry, whose 5-tuple must be free. */
  add(entry: E): void {
    if (++this.#size > this.#buckets.length) this.#grow();
    this.#link(entry);
  }

  /** Takes an entry out. */
  remove(entry: E): void {
    const index = entry.hash & (this.#buckets.length - 1);
    let at = this.#buckets[index];
    if (at === entry) {
      this.#buckets[index] = entry.next;
    } else {
      while (at !== undefined && at.next !== entry) at = at.next;
      if (at === undefined) return;
      at.next = entry.next;
    }
    entry.next = undefined;
    this.#size--;
  }

  #link(entry: E): void {
    const index = entry.hash & (this.#buckets.length - 1);
    entry.next = this.#buckets[index];
    this.#buckets[index] = entry;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array(old.length * 2).fill(undefined);
    for (let entry of old) {
      while (entry !== undefined) {
        const next = entry.next;
        this.#link(entry);
        entry = next;
      }
    }
  }
}

/** Whether an address stands in a packet. */
export function holds(bytes: Uint8Array, at: number, address: Uint8Array): boolean {
  for (let i = 0; i < address.length; i++) if (bytes[at + i] !== address[i]) return false;
  return true;
}

function mix(hash: number, word: number): number {
  hash = Math.imul(hash ^ word, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

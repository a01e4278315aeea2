/**
 * Fragments of both families become whole packets again (RFC 791, section 3.2; RFC 815; RFC 8200, section 4.5).
 *
 * A datagram is the sorted list of its pieces, without overlap: they are joined once, when nothing is missing between the first
 * and the last. Pieces that overlap are an attack on whoever reads them in another order, so the whole datagram is dropped, in both
 * families, with what is still to come of it (RFC 5722, section 4); only a piece that came twice is simply a piece that came twice.
 *
 * @module
 */

import { equalBytes } from "../bytes.ts";
import { type DropReason, type IpPacket, MAX_PACKET_LENGTH } from "../wire/ip.ts";
import { IPV4_HEADER_LENGTH, writeIpv4Piece } from "../wire/ipv4.ts";
import { IPV6_HEADER_LENGTH, setIpv6PayloadLength } from "../wire/ipv6.ts";
import { FRAGMENT_HEADER_LENGTH } from "../wire/ipv6_extensions.ts";
import { FRAME_HEADER_LENGTH } from "../wire/virtio.ts";
import type { Limits } from "./limits.ts";

/** What a piece costs beside its bytes: its objects and its place in the list. So a rain of tiny pieces meets the bound, too. */
const PIECE_OVERHEAD_BYTES = 256;

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** One packet of which some pieces are here. */
interface Unfinished {
  readonly version: 4 | 6;
  readonly deadline: number;
  /** Sorted and disjoint. Invariant: empty when the datagram is poisoned. */
  pieces: Piece[];
  /** Bytes of payload in the pieces. */
  received: number;
  /** What counts against `Limits.reassemblyBytes`. */
  cost: number;
  /** Length of the whole payload, -1 until the last piece is here. */
  total: number;
  /** The headers in front of the first piece, the Fragment header included; undefined until it is here. */
  header: Uint8Array | undefined;
  /** In that header: where the protocol of the payload is to be written (IPv6). */
  protocolAt: number;
  /** Pieces overlapped: whatever comes is dropped until the deadline. */
  isPoisoned: boolean;
}

/** All packets of one stack that are not whole yet. */
export class Reassembly {
  readonly #limits: Limits;
  /** In the order of their deadlines: all wait equally long. */
  readonly #unfinished = new Map<string, Unfinished>();
  #bytes = 0;
  #evicted = 0;
  #frame: Uint8Array | undefined;

  /** Nothing to put together yet. */
  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many packets are not whole, those that are dropped whole included. */
  get size(): number {
    return this.#unfinished.size;
  }

  /** Bytes that they hold, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The frame of the packet that the last call of `add` completed; nobody writes to it but this class. */
  get frame(): Uint8Array {
    return this.#frame ??= new Uint8Array(
      FRAME_HEADER_LENGTH + IPV6_HEADER_LENGTH + MAX_PACKET_LENGTH,
    );
  }

  /** How many packets gave way to newer ones since the last call. */
  takeEvicted(): number {
    const evicted = this.#evicted;
    this.#evicted = 0;
    return evicted;
  }

  /** Takes a fragment that stands parsed in `bytes`: the length of the whole frame when it was the last one missing, 0 while others are, or why it was dropped. */
  add(bytes: Uint8Array, ip: IpPacket, now: number): number | DropReason {
    const key = keyOf(bytes, ip);
    let unfinished = this.#unfinished.get(key);
    if (unfinished === undefined) {
      if (this.#limits.reassemblies === 0) return "limit-reassemblies";
      if (this.#unfinished.size >= this.#limits.reassemblies) this.#evict();
      unfinished = newUnfinished(ip.version, now + this.#limits.reassemblyTimeoutMs);
      this.#unfinished.set(key, unfinished);
    }
    if (unfinished.isPoisoned) return "fragment-of-overlap";
    const dropped = this.#insert(unfinished, bytes, ip);
    if (dropped !== undefined) return dropped;
    if (unfinished.header === undefined || unfinished.received !== unfinished.total) {
      return this.#bound();
    }
    const length = join(unfinished, this.frame);
    this.#forget(unfinished);
    this.#unfinished.delete(key);
    return length;
  }

  #insert(unfinished: Unfinished, bytes: Uint8Array, ip: IpPacket): DropReason | undefined {
    const start = ip.fragmentOffset;
    const end = start + ip.payloadEnd - ip.payloadAt;
    const { pieces } = unfinished;
    // Mostly pieces come in order, so the search begins at the end.
    let at = pieces.length;
    while (at > 0 && pieces[at - 1].start >= start) at--;
    const found = pieces[at];
    if (
      found?.start === start && found.end === end && ip.moreFragments === (end !== unfinished.total)
    ) {
      const again = bytes.subarray(ip.payloadAt, ip.payloadEnd);
      if (equalBytes(found.bytes, again)) return "fragment-duplicate";
    }
    const overlaps = (at > 0 && pieces[at - 1].end > start) || (found && found.start < end);
    if (overlaps || contradictsTotal(unfinished, end, ip.moreFragments)) {
      this.#poison(unfinished);
      return "fragment-overlap";
    }
    if (pieces.length >= this.#limits.fragmentsPerPacket) {
      this.#poison(unfinished);
      return "limit-fragments";
    }
    let cost = end - start + PIECE_OVERHEAD_BYTES;
    if (start === 0) {
      unfinished.header = bytes.slice(ip.start, ip.payloadAt);
      unfinished.protocolAt = ip.protocolAt - ip.start;
      cost += unfinished.header.length;
    }
    pieces.splice(at, 0, { start, end, bytes: bytes.slice(ip.payloadAt, ip.payloadEnd) });
    unfinished.received += end - start;
    if (!ip.moreFragments) unfinished.total = end;
    unfinished.cost += cost;
    this.#bytes += cost;
    if (headerLength(unfinished) + unfinished.total <= MAX_PACKET_LENGTH) return undefined;
    this.#poison(unfinished);
    return "fragment-beyond-end";
  }

  /** When memory is full the oldest packets give way: those that can be completed mostly are at once. */
  #bound(): 0 {
    while (this.#bytes > this.#limits.reassemblyBytes) this.#evict();
    return 0;
  }

  #evict(): void {
    const [oldest] = this.#unfinished;
    this.#forget(oldest[1]);
    this.#unfinished.delete(oldest[0]);
    this.#evicted++;
  }

  #poison(unfinished: Unfinished): void {
    this.#forget(unfinished);
    unfinished.isPoisoned = true;
  }

  #forget(unfinished: Unfinished): void {
    this.#bytes -= unfinished.cost;
    unfinished.cost = unfinished.received = 0;
    unfinished.pieces = [];
    unfinished.header = undefined;
  }

  /** When `takeExpired` wants to be called, Infinity for never. */
  nextTimeout(): number {
    for (const unfinished of this.#unfinished.values()) return unfinished.deadline;
    return Infinity;
  }

  /**
   * Forgets a packet whose time is over: gives its first fragment as it came, which the sender is told of (RFC 1122, section 3.3.2;
   * RFC 8200, section 4.5), null when there is nothing to tell, or undefined when no packet's time is over.
   */
  takeExpired(now: number): Uint8Array | null | undefined {
    for (const [key, unfinished] of this.#unfinished) {
      if (unfinished.deadline > now) return undefined;
      const quote = firstFragment(unfinished);
      this.#forget(unfinished);
      this.#unfinished.delete(key);
      return quote;
    }
    return undefined;
  }
}

function newUnfinished(version: 4 | 6, deadline: number): Unfinished {
  return {
    version,
    deadline,
    pieces: [],
    received: 0,
    cost: 0,
    total: -1,
    header: undefined,
    protocolAt: 0,
    isPoisoned: false,
  };
}

/** RFC 791 tells packets apart by protocol, too; in IPv6 only the first fragment's counts (RFC 8200, section 4.5). */
function keyOf(bytes: Uint8Array, ip: IpPacket): string {
  const addresses = bytes.subarray(ip.sourceAt, ip.sourceAt + 2 * ip.addressLength);
  const protocol = ip.version === 4 ? ip.protocol : 0;
  return String.fromCharCode(...addresses, protocol, ip.fragmentId >>> 16, ip.fragmentId & 0xffff);
}

/** Two ends, or bytes behind the end: pieces of different packets. */
function contradictsTotal(unfinished: Unfinished, end: number, moreFragments: boolean): boolean {
  const { total, pieces } = unfinished;
  if (total >= 0) return !moreFragments || end > total;
  return !moreFragments && pieces.length > 0 && pieces[pieces.length - 1].end > end;
}

/** What counts against the longest packet: the header of IPv4, the extension headers of IPv6. */
function headerLength({ header, version }: Unfinished): number {
  if (header === undefined) return version === 4 ? IPV4_HEADER_LENGTH : 0;
  return version === 4
    ? header.length
    : header.length - IPV6_HEADER_LENGTH - FRAGMENT_HEADER_LENGTH;
}

/**
 * Writes the whole packet as a frame whose header stays zero: whatever a device said of a piece, the sum of the whole is looked at.
 */
function join(unfinished: Unfinished, frame: Uint8Array): number {
  const { version, pieces, total, protocolAt } = unfinished;
  const header = unfinished.header!;
  const at = FRAME_HEADER_LENGTH;
  const kept = version === 4 ? header.length : header.length - FRAGMENT_HEADER_LENGTH;
  frame.set(header.subarray(0, kept), at);
  for (const { start, bytes } of pieces) frame.set(bytes, at + kept + start);
  if (version === 4) {
    writeIpv4Piece(frame, at, kept + total, 0, 0, false);
  } else {
    frame[at + protocolAt] = header[kept];
    setIpv6PayloadLength(frame, at, kept - IPV6_HEADER_LENGTH + total);
  }
  return at + kept + total;
}

function firstFragment({ header, pieces }: Unfinished): Uint8Array | null {
  if (header === undefined) return null;
  const first = pieces[0].bytes;
  const packet = new Uint8Array(header.length + first.length);
  packet.set(header);
  packet.set(first, header.length);
  return packet;
}

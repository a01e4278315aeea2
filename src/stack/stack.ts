/**
 * Packets in, packets out, and between them flows: the sans-IO core. PURE: no clock, no chance, no promise.
 *
 * A packet's journey:
 *
 * 1. `handlePacket`: the frame is parsed in place (`ingress.ts`); what must not be believed is a counted drop, and where an RFC asks for it
 *    the sender is told (`icmp.ts`). A fragment waits until its packet is whole (`reassembly.ts`), which then goes the same way.
 * 2. TCP: the 5-tuple finds the flow (`flows.ts`, `flow_table.ts`), whose endpoint takes the segment (`tcp/`). A SYN without a flow
 *    is a request; any other segment without a flow gets a RST. UDP: it finds the association (`associations.ts`), whose owner takes the
 *    datagram; the first one is a request. ICMP is answered here; long answers leave in pieces (`replies.ts`, `fragmentation.ts`).
 * 3. What happened is an event (`pollEvent`): request, opened, readable, writable, ended.
 * 4. The flow stands in the ready queue until it has nothing more to send; `pollPacket` asks the flows by turns for one
 *    segment each and writes it as a frame (`egress.ts`). A bare ACK leaves only here: one for a whole batch. Datagrams leave before
 *    them, and many as one frame (`datagram_egress.ts`).
 * 5. Deadlines wait in one heap (`deadlines.ts`); `nextTimeout` tells the first.
 *
 * The contract: call one handle or command, or a batch of them, then drain `pollPacket` and `pollEvent`, then arm `nextTimeout`.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";
import type { ReadEnd } from "../tcp/endpoint.ts";
import { HANDSHAKE_ACK_UNACCEPTABLE } from "../tcp/handshake.ts";
import { Memory } from "../tcp/memory.ts";
import { checkSettings, type TcpSettings } from "../tcp/settings.ts";
import { formatIp, parseIp } from "../wire/address.ts";
import { type DropReason, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ip.ts";
import { ACK, RST, SYN } from "../wire/tcp.ts";
import { Associations } from "./associations.ts";
import type { SocketAddress, StackEvent } from "./events.ts";
import { Flows, NO_FLOW } from "./flows.ts";
import { Icmp } from "./icmp.ts";
import { Identification } from "./identification.ts";
import { newParsed, parseFrame } from "./ingress.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { PathMtus } from "./path_mtu.ts";
import { Queue } from "./queue.ts";
import { Reassembly } from "./reassembly.ts";
import { Replies } from "./replies.ts";
import { ANY, FIRST, ownerOfStray, stray } from "./strays.ts";
import { datagramPacket, resetPacket, unreachablePacket } from "./reply_packets.ts";

/** What a stack is told at its birth. */
export interface StackOptions {
  /** The largest packet towards the program, in bytes: 1280 to 65535. */
  readonly mtu: number;
  /** Whether frames may leave with checksums and segmentation still to be done. */
  readonly offload: boolean;
  /** 16 bytes of chance: keys the initial sequence numbers, the identifications of packets and the flow table. */
  readonly secret: Uint8Array;
  /** Addresses that answer an echo request. */
  readonly addresses?: readonly string[];
  /** Whether many datagrams may leave as one frame (USO). */
  readonly udpOffload?: boolean;
  /** UDP ports whose datagrams become events, without an association. */
  readonly datagramPorts?: readonly number[];
  /** Other bounds than `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>;
  /** What is chosen of TCP. */
  readonly tcp?: TcpSettings;
  /** For the first of several stacks behind one device: how many they are. It gets what could not be judged outside. */
  readonly firstOf?: number;
}

/** The core: many TCP endpoints and UDP associations behind one device. */
export class Stack {
  readonly #limits: Limits;
  readonly #datagramPorts: readonly number[];
  readonly #flows: Flows;
  /** UDP: commands and questions that are not about TCP. */
  readonly associations: Associations;
  readonly #events = new Queue<StackEvent>();
  readonly #reassembly: Reassembly;
  readonly #icmp: Icmp;
  readonly #memory: Memory;
  readonly #replies: Replies;
  readonly #firstOf: number;
  readonly #drops = new Map<DropReason, number>();
  /** The shapes that every packet passes through. */
  readonly #parsed = newParsed();
  #datagrams = 0;
  #lastId = 0;

  /** A stack without flows. */
  constructor(options: StackOptions) {
    const { mtu, secret } = options;
    if (!(mtu >= 1280 && mtu <= 65_535)) {
      throw new RangeError(`Cannot use an MTU of "${mtu}": it must be 1280 to 65535`);
    }
    if (secret.length !== 16) {
      throw new RangeError(`Cannot use a secret of ${secret.length} bytes: it must be 16`);
    }
    checkSettings(options.tcp ?? {});
    const limits = this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#datagramPorts = options.datagramPorts ?? [];
    this.#firstOf = options.firstOf ?? 1;
    this.#reassembly = new Reassembly(limits);
    const pathMtus = new PathMtus(limits.pathMtus);
    const identification = new Identification(secret);
    this.#replies = new Replies(limits, mtu, pathMtus, identification);
    const reply = (packet: Uint8Array) => this.#reply(packet);
    const newId = () => ++this.#lastId;
    const drop = (reason: DropReason) => this.#drop(reason);
    const shared = { limits, pathMtus, identification, newId, events: this.#events, reply, drop };
    const memory = this.#memory = new Memory(limits.memoryBytes);
    const flows = this.#flows = new Flows({ ...options, ...shared, memory });
    this.associations = new Associations({ ...options, ...shared });
    const addresses = (options.addresses ?? []).map(parseAddress);
    this.#icmp = new Icmp({ addresses, flows, pathMtus, errors: this.#replies.errors, reply });
  }

  /** How many packets were dropped, by reason. */
  get drops(): ReadonlyMap<DropReason, number> {
    return this.#drops;
  }

  /** How many TCP flows hold a place in the table, those in TIME-WAIT included. */
  get flowCount(): number {
    return this.#flows.size;
  }

  /** Bytes that wait in all TCP flows, in both directions, and what it costs to keep those out of order. */
  get queuedBytes(): number {
    return this.#memory.usedBytes;
  }

  /** Takes one frame of `length` bytes. `frame` may be used again when this returns. */
  handlePacket(frame: Uint8Array, length: number, now: number): void {
    let dropped = parseFrame(frame, length, this.#parsed);
    let wasInPieces = false;
    if (dropped === undefined && this.#parsed.ip.isFragment) {
      const whole = this.#reassembly.add(frame, this.#parsed.ip, now);
      for (let i = this.#reassembly.takeEvicted(); i > 0; i--) this.#drop("limit-reassemblies");
      if (whole === 0) return;
      if (typeof whole === "string") return this.#drop(whole);
      frame = this.#reassembly.frame;
      length = whole;
      wasInPieces = true;
      dropped = parseFrame(frame, length, this.#parsed);
      // A fragment of fragments: nobody sends it in good faith.
      if (dropped === undefined && this.#parsed.ip.isFragment) dropped = "ipv6-nested-fragment";
    }
    if (dropped === undefined && this.#firstOf > 1) {
      const owner = ownerOfStray(frame, this.#parsed, wasInPieces, this.#firstOf);
      if (owner !== FIRST) this.#events.push(stray(owner, frame, length));
      if (owner !== FIRST && owner !== ANY) return;
    }
    dropped = dropped === undefined
      ? this.#dispatch(frame, now)
      : this.#icmp.refuse(frame, this.#parsed.ip, now, dropped);
    if (dropped !== undefined) this.#drop(dropped);
  }

  #dispatch(frame: Uint8Array, now: number): DropReason | undefined {
    const { protocol } = this.#parsed.ip;
    if (protocol === PROTOCOL_TCP) return this.#handleSegment(frame, now);
    if (protocol === PROTOCOL_UDP) return this.#handleDatagram(frame, now);
    return this.#icmp.handle(frame, this.#parsed.ip, now);
  }

  #handleSegment(frame: Uint8Array, now: number): DropReason | undefined {
    const parsed = this.#parsed;
    const dropped = this.#flows.arrive(frame, parsed, now);
    // RFC 9293, section 3.10.7.4: the flow stays as it is.
    if (dropped === HANDSHAKE_ACK_UNACCEPTABLE) return this.#answerReset(frame, now, dropped);
    if (dropped !== NO_FLOW) return dropped;
    const { flags } = parsed.segment;
    if ((flags & RST) !== 0) return "tcp-reset-without-flow";
    if ((flags & (SYN | ACK)) === SYN) return this.#flows.request(frame, parsed, now);
    return this.#answerReset(frame, now, "tcp-without-flow");
  }

  #answerReset(frame: Uint8Array, now: number, reason: DropReason): DropReason {
    if (!this.#replies.resets.take(now)) return "limit-replies";
    this.#reply(resetPacket(frame, this.#parsed.ip, this.#parsed.segment));
    return reason;
  }

  #handleDatagram(frame: Uint8Array, now: number): DropReason | undefined {
    const { ip, datagram } = this.#parsed;
    const { sourceAt, destinationAt, addressLength, start, payloadEnd } = ip;
    if (!this.#datagramPorts.includes(datagram.destinationPort)) {
      if (this.#limits.associations > 0) return this.associations.arrive(frame, this.#parsed, now);
      if (!this.#replies.errors.take(now)) return "limit-replies";
      this.#reply(unreachablePacket(frame.subarray(start, payloadEnd), "port-unreachable"));
      return "udp-port-unreachable";
    }
    if (this.#datagrams >= this.#limits.datagrams) return "limit-datagrams";
    this.#datagrams++;
    this.#events.push({
      type: "datagram",
      source: { hostname: formatIp(frame, sourceAt, addressLength), port: datagram.sourcePort },
      destination: {
        hostname: formatIp(frame, destinationAt, addressLength),
        port: datagram.destinationPort,
      },
      payload: frame.slice(datagram.payloadAt, datagram.payloadEnd) as Uint8Array<ArrayBuffer>,
    });
    return undefined;
  }

  /** Acts on every deadline that has come. Called early, or twice, it does nothing. */
  handleTimeout(now: number): void {
    this.#flows.handleTimeout(now);
    this.associations.handleTimeout(now);
    for (let first; (first = this.#reassembly.takeExpired(now)) !== undefined;) {
      const limited = first === null ? undefined : this.#icmp.refuseFragments(first, now);
      this.#drop(limited ?? "fragments-timed-out");
    }
  }

  /** Writes the next frame to `frame`, which has room for `MAX_FRAME_LENGTH` bytes, and returns its length; 0 when there is none. */
  pollPacket(frame: Uint8Array, now: number): number {
    return this.#replies.poll(frame, now) || this.associations.pollPacket(frame, now) ||
      this.#flows.pollPacket(frame, now);
  }

  /** Takes the next event; undefined when there is none. */
  pollEvent(): StackEvent | undefined {
    const event = this.#events.shift();
    if (event?.type === "datagram") this.#datagrams--;
    return event;
  }

  /** When `handleTimeout` wants to be called, Infinity for never. It may be too early, never too late. */
  nextTimeout(): number {
    return Math.min(
      this.#flows.nextTimeout(),
      this.associations.nextTimeout(),
      this.#reassembly.nextTimeout(),
    );
  }

  /** Answers a request with a SYN-ACK. False when the program has given up meanwhile. */
  accept(id: number): boolean {
    return this.#flows.accept(id);
  }

  /** Answers a request with what the program would have seen from a host or a router. */
  refuse(id: number, refusal: Refusal): void {
    this.#flows.refuse(id, refusal);
  }

  /** Takes bytes of the program, or says what there is instead; a flow that is not there any more was reset. */
  read(id: number): Uint8Array<ArrayBuffer> | ReadEnd {
    return this.#flows.read(id);
  }

  /** Takes bytes for the program; false when the caller should wait for `writable` before it writes more. */
  write(id: number, chunk: Uint8Array): boolean {
    return this.#flows.write(id, chunk);
  }

  /** Sends FIN behind the last byte. */
  closeWrite(id: number): void {
    this.#flows.closeWrite(id);
  }

  /** Says that nobody will read any more. */
  stopReading(id: number, now: number): void {
    this.#flows.stopReading(id, now);
  }

  /** Breaks the flow off with a RST. */
  reset(id: number): void {
    this.#flows.reset(id);
  }

  /** Sends a datagram to a program; false when it was dropped, which UDP may do. */
  sendDatagram(from: SocketAddress, to: SocketAddress, payload: Uint8Array): boolean {
    const source = parseAddress(from.hostname);
    const destination = parseAddress(to.hostname);
    return this.#reply(datagramPacket(source, from.port, destination, to.port, payload));
  }

  #reply(packet: Uint8Array): boolean {
    const queued = this.#replies.push(packet);
    if (!queued) this.#drop("limit-reply-queue");
    return queued;
  }

  #drop(reason: DropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}

function parseAddress(text: string): Uint8Array {
  const address = parseIp(text);
  if (address === undefined) {
    throw new TypeError(`Cannot use "${text}" as an address: it must be IPv4 or IPv6 in text`);
  }
  return address;
}

/**
 * The life of the flows: from a request over its answer to the end, and who is asked for packets next.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";
import type { ReadEnd } from "../tcp/endpoint.ts";
import { ENDED, newOutSegment, OPENED, READABLE, type TcpKind, WRITABLE } from "../tcp/tcb.ts";
import { formatIp } from "../wire/address.ts";
import type { DropReason } from "../wire/ip.ts";
import { Deadlines } from "./deadlines.ts";
import { writeSegment } from "./egress.ts";
import type { StackEvent } from "./events.ts";
import { type FlowEntry, FlowTable } from "./flow_table.ts";
import { allowFragments } from "./fragmentation.ts";
import type { TooBig } from "./icmp_errors.ts";
import type { Identification } from "./identification.ts";
import type { Parsed } from "./ingress.ts";
import { type EntryOptions, newEntry, tcpKind } from "./new_entry.ts";
import { fitToPath, type PathMtus } from "./path_mtu.ts";
import { Queue } from "./queue.ts";
import { unreachablePacket } from "./reply_packets.ts";

/** What the flows need to know of the stack around them. */
export interface FlowsOptions extends EntryOptions {
  readonly pathMtus: PathMtus;
  readonly identification: Identification;
  /** Numbers all flows of the stack, those of UDP, too. */
  readonly newId: () => number;
  /** Where events go. */
  readonly events: Queue<StackEvent>;
  /** Where an ICMP refusal goes. */
  readonly reply: (packet: Uint8Array) => void;
}

/** What `arrive` says of a segment that belongs to no flow. */
export const NO_FLOW = "no-flow";

/** All flows of one stack. */
export class Flows {
  readonly #options: FlowsOptions;
  readonly #table: FlowTable<FlowEntry>;
  readonly #flows = new Map<number, FlowEntry>();
  readonly #ready = new Queue<FlowEntry>();
  readonly #timeWaits = new Queue<FlowEntry>();
  readonly #deadlines = new Deadlines<FlowEntry>();
  readonly #out = newOutSegment();
  readonly #kinds: Readonly<Record<4 | 6, TcpKind>>;
  /** The latest flow. */
  #last: FlowEntry | undefined;
  #requests = 0;

  /** No flows yet. */
  constructor(options: FlowsOptions) {
    this.#options = options;
    this.#kinds = { 4: tcpKind(4, options), 6: tcpKind(6, options) };
    const [a, b, c, d] = options.secret.subarray(12);
    this.#table = new FlowTable((a << 24) | (b << 16) | (c << 8) | d);
  }

  /** How many flows hold a place in the table, those in TIME-WAIT included. */
  get size(): number {
    return this.#table.size;
  }

  /** Hands a segment to its flow; says why it was dropped, or that there is no flow. */
  arrive(frame: Uint8Array, { ip, segment }: Parsed, now: number): DropReason | undefined {
    const { sourcePort, destinationPort } = segment;
    const hash = this.#table.hash(frame, ip, sourcePort, destinationPort);
    const entry = this.#table.find(hash, frame, ip, sourcePort, destinationPort);
    if (entry === undefined) return NO_FLOW;
    if (entry.endpoint.canBeReplacedBy(segment)) {
      entry.endpoint.discard();
      this.#unlink(entry);
      this.#afterCommand(entry);
      return NO_FLOW;
    }
    const dropped = entry.endpoint.handleSegment(segment, frame, now);
    this.#afterCommand(entry);
    return dropped;
  }

  /** Makes a flow of a SYN that belongs to none, which waits for its answer. */
  request(frame: Uint8Array, parsed: Parsed, now: number): DropReason | undefined {
    const { limits, events } = this.#options;
    // Flows that are over and still unread count: their bytes are what the bound is about.
    if (this.#flows.size >= limits.flows) return "limit-flows";
    if (this.#requests >= limits.requests) return "limit-requests";
    const { sourcePort, destinationPort } = parsed.segment;
    const hash = this.#table.hash(frame, parsed.ip, sourcePort, destinationPort);
    const id = this.#options.newId();
    const kind = this.#kinds[parsed.ip.version];
    const entry = newEntry(id, hash, frame, parsed, kind, this.#options, this.#last, now);
    this.#last = entry;
    const pathMtu = this.#options.pathMtus.get(entry.source, now);
    if (pathMtu !== Infinity) fitToPath(entry, pathMtu);
    this.#requests++;
    this.#table.add(entry);
    this.#flows.set(id, entry);
    this.#deadlines.schedule(entry, entry.requestDeadline);
    const source = { hostname: formatIp(entry.source), port: sourcePort };
    const destination = { hostname: formatIp(entry.destination), port: destinationPort };
    events.push({ type: "request", protocol: "tcp", id, source, destination });
    return undefined;
  }

  /** Lets the flow of a segment that was too big for its path send smaller ones; says why not, when the message proves nothing. */
  shrink(frame: Uint8Array, tooBig: TooBig, now: number): DropReason | undefined {
    const { ip, sourcePort, destinationPort, seq, mtu } = tooBig;
    const hash = this.#table.hash(frame, ip, sourcePort, destinationPort);
    const entry = this.#table.find(hash, frame, ip, sourcePort, destinationPort);
    if (entry === undefined) return "icmp-error-without-flow";
    if (!entry.endpoint.isInFlight(seq)) return "icmp-error-not-in-flight";
    this.#options.pathMtus.lower(entry.source, mtu, now);
    const isNews = fitToPath(entry, mtu);
    this.#afterCommand(entry);
    return isNews ? undefined : "icmp-mtu-known";
  }

  /** Acts on every deadline that has come. Called early, or twice, it does nothing. */
  handleTimeout(now: number): void {
    for (let entry; (entry = this.#deadlines.take(now)) !== undefined;) {
      if (entry.requestDeadline <= now) {
        this.refuse(entry.id, "host-unreachable");
      } else {
        entry.endpoint.handleTimeout(now);
        this.#afterCommand(entry);
      }
    }
  }

  /** Writes the next segment of any flow to `frame` and returns the frame's length; 0 when no flow has one. */
  pollPacket(frame: Uint8Array, now: number): number {
    for (let entry; (entry = this.#ready.shift()) !== undefined;) {
      if (entry.endpoint.pollSegment(this.#out, now)) {
        // Flows take turns: one packet each, and to the end of the queue.
        this.#ready.push(entry);
        const { offload, tcp } = this.#options;
        const length = writeSegment(entry, this.#out, frame, offload, tcp);
        if (entry.mayFragment) {
          allowFragments(entry, this.#out, frame, length, this.#options.identification);
        }
        return length;
      }
      entry.isReady = false;
      this.#settle(entry);
    }
    return 0;
  }

  /** The first deadline that is known, possibly too early; Infinity when there is none. */
  nextTimeout(): number {
    return this.#deadlines.next();
  }

  /** Answers a request with a SYN-ACK. False when the program has given up meanwhile. */
  accept(id: number): boolean {
    const entry = this.#flows.get(id);
    if (entry === undefined || !this.#closeRequest(entry)) return false;
    entry.endpoint.accept();
    this.#afterCommand(entry);
    return true;
  }

  /** Answers a request with what the program would have seen from a host or a router. */
  refuse(id: number, refusal: Refusal): void {
    const entry = this.#flows.get(id);
    const syn = entry?.syn;
    if (entry === undefined || !this.#closeRequest(entry)) return;
    entry.readerIsDone = true;
    if (refusal === "reset") {
      entry.endpoint.reset();
    } else {
      entry.endpoint.discard();
      this.#options.reply(unreachablePacket(syn!, refusal));
    }
    this.#afterCommand(entry);
  }

  /** Takes bytes of the program, or what there is instead; a flow that is not there any more was reset. */
  read(id: number): Uint8Array<ArrayBuffer> | ReadEnd {
    const entry = this.#flows.get(id);
    if (entry === undefined) return "reset";
    const found = entry.endpoint.read();
    if (found === "end" || found === "reset") entry.readerIsDone = true;
    this.#afterCommand(entry);
    return found;
  }

  /** Takes bytes for the program; false when the caller should wait for `writable` before it writes more. */
  write(id: number, chunk: Uint8Array): boolean {
    const entry = this.#flows.get(id);
    if (entry === undefined) return true;
    const hasRoom = entry.endpoint.write(chunk);
    this.#afterCommand(entry);
    return hasRoom;
  }

  /** Sends FIN behind the last byte. */
  closeWrite(id: number): void {
    this.#command(id, (entry) => entry.endpoint.closeWrite());
  }

  /** Says that nobody will read any more. */
  stopReading(id: number, now: number): void {
    this.#command(id, (entry) => {
      entry.readerIsDone = true;
      entry.endpoint.stopReading(now);
    });
  }

  /** Breaks the flow off with a RST. */
  reset(id: number): void {
    this.#command(id, (entry) => {
      entry.readerIsDone = true;
      entry.endpoint.reset();
    });
  }

  #command(id: number, act: (entry: FlowEntry) => void): void {
    const entry = this.#flows.get(id);
    if (entry === undefined) return;
    this.#closeRequest(entry);
    act(entry);
    this.#afterCommand(entry);
  }

  /** The request is answered; false when it was before. */
  #closeRequest(entry: FlowEntry): boolean {
    if (entry.syn === undefined) return false;
    entry.syn = undefined;
    entry.requestDeadline = Infinity;
    this.#deadlines.forget(entry);
    this.#requests--;
    return true;
  }

  /** What an endpoint did becomes events, and it is asked for packets in its turn. */
  #afterCommand(entry: FlowEntry): void {
    const bits = entry.endpoint.takeEvents();
    if (bits !== 0) this.#tell(entry, bits);
    this.#options.memory.hold(entry, entry.endpoint.queuedBytes);
    if (entry.isReady) return;
    entry.isReady = true;
    this.#ready.push(entry);
  }

  #tell(entry: FlowEntry, bits: number): void {
    const { id, endpoint } = entry;
    if ((bits & OPENED) !== 0) this.#options.events.push({ type: "opened", id });
    if ((bits & READABLE) !== 0) this.#options.events.push({ type: "readable", id });
    if ((bits & WRITABLE) !== 0) this.#options.events.push({ type: "writable", id });
    if ((bits & ENDED) === 0 || entry.hasEnded) return;
    entry.hasEnded = true;
    // A request that ends before its answer has nobody who would read.
    if (this.#closeRequest(entry)) entry.readerIsDone = true;
    const { endReason, outboundBytes, inboundBytes } = endpoint;
    this.#options.events.push({
      type: "ended",
      id,
      reason: endReason,
      outboundBytes,
      inboundBytes,
    });
    if (endpoint.state === "TIME-WAIT") this.#boundTimeWaits(entry);
  }

  #boundTimeWaits(entry: FlowEntry): void {
    this.#timeWaits.push(entry);
    if (this.#timeWaits.length <= this.#options.limits.timeWaits) return;
    const oldest = this.#timeWaits.shift()!;
    oldest.endpoint.discard();
    this.#afterCommand(oldest);
  }

  /** The flow has nothing more to send: its deadline is noted, and once it is over its place is free. */
  #settle(entry: FlowEntry): void {
    const { endpoint } = entry;
    if (endpoint.state !== "CLOSED") {
      const deadline = Math.min(endpoint.nextTimeout(), entry.requestDeadline);
      this.#deadlines.schedule(entry, deadline);
      return;
    }
    this.#unlink(entry);
    if (!entry.readerIsDone) return;
    this.#options.memory.hold(entry, 0);
    this.#flows.delete(entry.id);
  }

  /** Makes the 5-tuple free for another flow. */
  #unlink(entry: FlowEntry): void {
    if (entry.isUnlinked) return;
    entry.isUnlinked = true;
    this.#table.remove(entry);
  }
}

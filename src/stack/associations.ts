/**
 * The life of the UDP associations: the first datagram is a request, what follows goes to whoever accepted, and silence is the end.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";
import type { DatagramListener } from "../udp/association.ts";
import { MIN_IDLE_MS } from "../udp/constants.ts";
import { AllWaiting } from "../udp/waiting.ts";
import { classifyIp, formatIp, type IpClass, parseIp } from "../wire/address.ts";
import type { DropReason } from "../wire/ip.ts";
import { GSO_UDP_L4, gsoSize, gsoType } from "../wire/virtio.ts";
import {
  type AssociationEntry,
  type AssociationSurroundings,
  type DatagramPath,
  newAssociation,
  pathFrom,
} from "./association_entry.ts";
import { DatagramEgress } from "./datagram_egress.ts";
import { Deadlines } from "./deadlines.ts";
import type { AssociationEndReason, SocketAddress, StackEvent } from "./events.ts";
import { FlowTable } from "./flow_table.ts";
import type { Identification } from "./identification.ts";
import type { Parsed } from "./ingress.ts";
import type { Limits } from "./limits.ts";
import type { PathMtus } from "./path_mtu.ts";
import type { Queue } from "./queue.ts";
import { Recency } from "./recency.ts";
import { unreachablePacket } from "./reply_packets.ts";

/** What the associations need to know of the stack around them. */
export interface AssociationsOptions {
  readonly mtu: number;
  /** Whether frames may leave checksums to the device. */
  readonly offload: boolean;
  /** Whether many datagrams may leave as one super-packet (USO). */
  readonly udpOffload?: boolean;
  readonly secret: Uint8Array;
  readonly limits: Limits;
  readonly pathMtus: PathMtus;
  readonly identification: Identification;
  /** Numbers all flows of the stack, those of TCP, too. */
  readonly newId: () => number;
  /** Where events go. */
  readonly events: Queue<StackEvent>;
  /** Where an ICMP refusal goes. */
  readonly reply: (packet: Uint8Array) => void;
  /** Counts a datagram that is lost here. */
  readonly drop: (reason: DropReason) => void;
}

/** What no datagram comes from (RFC 1122, section 3.2.1.3; RFC 6890), or only within one link. */
const NO_SOURCE: ReadonlySet<IpClass> = new Set<IpClass>([
  "unspecified",
  "loopback",
  "link-local",
  "multicast",
  "broadcast",
  "mapped",
]);

/** Somebody to whom a program has not written, and how his datagrams get there. */
interface Stranger {
  readonly id: number;
  readonly from: SocketAddress;
  readonly path: DatagramPath | undefined;
}

/** All associations of one stack. */
export class Associations {
  readonly #options: AssociationsOptions;
  readonly #table: FlowTable<AssociationEntry>;
  readonly #byId = new Map<number, AssociationEntry>();
  readonly #recency = new Recency<AssociationEntry>();
  readonly #deadlines = new Deadlines<AssociationEntry>();
  readonly #egress: DatagramEgress;
  readonly #surroundings: AssociationSurroundings;
  /** The last one that was heard: what he sends in a row may leave as one frame. */
  #stranger: Stranger | undefined;

  /** No associations yet. */
  constructor(options: AssociationsOptions) {
    const { associationIdleMs } = options.limits;
    if (!(associationIdleMs >= MIN_IDLE_MS)) {
      throw new RangeError(
        `Cannot end an association after "${associationIdleMs}" ms: RFC 4787 asks for ${MIN_IDLE_MS} or more`,
      );
    }
    this.#options = options;
    const [a, b, c, d] = options.secret.subarray(12);
    this.#table = new FlowTable((a << 24) | (b << 16) | (c << 8) | d);
    this.#egress = new DatagramEgress(options);
    const { limits, identification } = options;
    const waiting = new AllWaiting(limits.allWaitingBytes);
    this.#surroundings = { limits, identification, waiting };
  }

  /** How many there are, those that wait for an answer included. */
  get size(): number {
    return this.#byId.size;
  }

  /** Ends the one that was not used for longest, to make room where somebody else has a bound: its id, undefined when `sparing` is the only one. */
  displace(sparing: number): number | undefined {
    const { oldest } = this.#recency;
    if (oldest === undefined || oldest.id === sparing) return undefined;
    this.#end(oldest, "displaced");
    return oldest.id;
  }

  /** Takes a packet of a program: one datagram, or many that share one header (USO). */
  arrive(frame: Uint8Array, parsed: Parsed, now: number): DropReason | undefined {
    const { ip, datagram } = parsed;
    const { sourcePort, destinationPort, payloadAt, payloadEnd } = datagram;
    const hash = this.#table.hash(frame, ip, sourcePort, destinationPort);
    const entry = this.#table.find(hash, frame, ip, sourcePort, destinationPort) ??
      this.#request(hash, frame, parsed, now);
    this.#recency.use(entry);
    const { association } = entry;
    const hadWaiting = association.waiting > 0;
    const size = gsoType(frame) === GSO_UDP_L4 ? gsoSize(frame) : 0;
    const step = size === 0 ? Infinity : size;
    for (let at = payloadAt; at < payloadEnd || at === payloadAt; at += step) {
      const end = Math.min(at + step, payloadEnd);
      const lost = association.handleDatagram(frame, at, end, now);
      for (let i = 0; i < lost; i++) this.#options.drop("limit-waiting-datagrams");
    }
    if (!hadWaiting && association.waiting > 0 && entry.requestDeadline === Infinity) {
      this.#options.events.push({ type: "readable", id: entry.id });
    }
    return undefined;
  }

  #request(hash: number, frame: Uint8Array, parsed: Parsed, now: number): AssociationEntry {
    const { limits, newId, drop } = this.#options;
    if (this.size >= limits.associations) {
      drop("limit-associations");
      this.#end(this.#recency.oldest!, "displaced");
    }
    const entry = newAssociation(newId(), hash, frame, parsed, this.#surroundings, now);
    this.#table.add(entry);
    this.#byId.set(entry.id, entry);
    this.#recency.add(entry);
    this.#deadlines.schedule(entry, entry.requestDeadline);
    this.#options.events.push({
      type: "request",
      protocol: "udp",
      id: entry.id,
      source: { hostname: formatIp(entry.source), port: entry.sourcePort },
      destination: { hostname: formatIp(entry.destination), port: entry.destinationPort },
    });
    return entry;
  }

  /** Ends what has been silent for too long, and refuses what nobody answered. */
  handleTimeout(now: number): void {
    for (let entry; (entry = this.#deadlines.take(now)) !== undefined;) {
      const deadline = Math.min(entry.association.deadline, entry.requestDeadline);
      if (deadline > now) this.#deadlines.schedule(entry, deadline);
      else if (entry.requestDeadline <= now) this.end(entry.id, "host-unreachable");
      else this.#end(entry, "idle");
    }
  }

  /** The first deadline that is known, possibly too early; Infinity when there is none. */
  nextTimeout(): number {
    return this.#deadlines.next();
  }

  /** Writes the next datagrams of any association to `frame` and returns the frame's length; 0 when none wait. */
  pollPacket(frame: Uint8Array, now: number): number {
    return this.#egress.poll(frame, now);
  }

  /** Answers a request: what waits can be read. False when the request is over. */
  accept(id: number): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.requestDeadline === Infinity) return false;
    entry.requestDeadline = Infinity;
    return true;
  }

  /** Takes the datagram of the program that waits longest: `none` when a `readable` tells of the next one, `end` when there will be none. */
  read(id: number): Uint8Array<ArrayBuffer> | "none" | "end" {
    const entry = this.#byId.get(id);
    return entry === undefined ? "end" : entry.association.read() ?? "none";
  }

  /** Hands over what waits, and from now on every datagram of the program in the turn in which it comes. */
  listen(id: number, listener: DatagramListener): void {
    this.#byId.get(id)?.association.listen(listener);
  }

  /** Sends a datagram to the program. It is copied; what is too long for UDP, and what comes for an association that is over, is lost. */
  send(id: number, payload: Uint8Array): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return this.#options.drop("udp-without-association");
    this.#recency.use(entry);
    const { association } = entry;
    const before = association.deadline;
    association.noteInbound(payload.length);
    // An answer from port 53 shortens the life.
    const { deadline } = association;
    if (deadline < before) this.#deadlines.schedule(entry, deadline);
    this.#egress.push(entry, payload);
  }

  /**
   * Sends a datagram to the program of an association as if it came from `from`, to whom the program has not written: what a filter that
   * depends on no destination lets in (RFC 4787, section 5). It leaves no trace: the program's answer is a request like any other.
   */
  sendFrom(id: number, from: SocketAddress, payload: Uint8Array): void {
    const last = this.#stranger;
    const isSame = last !== undefined && last.id === id && last.from.port === from.port &&
      last.from.hostname === from.hostname && this.#byId.has(id);
    const { path } = isSame ? last : (this.#stranger = { id, from, path: this.#pathOf(id, from) });
    if (path === undefined) this.#options.drop("udp-bad-stranger");
    else this.#egress.push(path, payload);
  }

  #pathOf(id: number, { hostname, port }: SocketAddress): DatagramPath | undefined {
    const entry = this.#byId.get(id);
    const address = parseIp(hostname);
    if (entry === undefined || address?.length !== entry.source.length || port === 0) {
      return undefined;
    }
    if (NO_SOURCE.has(classifyIp(address))) return undefined;
    return pathFrom(address, port, entry, this.#options.identification);
  }

  /** Ends an association or a request; with `refusal` the program hears that by ICMP. The next datagram of the program is a new request. */
  end(id: number, refusal?: Refusal): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    if (refusal !== undefined) {
      // UDP has no RST: port unreachable is what a closed port says.
      const told = refusal === "reset" ? "port-unreachable" : refusal;
      this.#options.reply(unreachablePacket(entry.quote, told));
    }
    this.#end(entry, "finished");
  }

  #end(entry: AssociationEntry, reason: AssociationEndReason): void {
    const { id, association } = entry;
    this.#table.remove(entry);
    this.#byId.delete(id);
    this.#recency.remove(entry);
    this.#deadlines.forget(entry);
    association.end();
    const { outboundBytes, inboundBytes, dropped } = association;
    const type = "association-ended";
    this.#options.events.push({ type, id, reason, outboundBytes, inboundBytes, dropped });
  }
}

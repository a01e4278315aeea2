/**
 * The door of the room: one TCP endpoint with the verbs of the core's contract. Call a handle or a command, then drain
 * `pollSegment` and `takeEvents`, then arm `nextTimeout`.
 *
 * @module
 */

import type { DropReason } from "../wire/ip.ts";
import { seqLess } from "../wire/seq.ts";
import { ACK, RST, type Segment, SYN } from "../wire/tcp.ts";
import { FIN_WAIT_2_MS } from "./constants.ts";
import { arriveHeld, arriveSynSent, takeSyn } from "./handshake.ts";
import { isInFlight, limitMss } from "./path_mtu.ts";
import { arrive } from "./receive.ts";
import { canReceive, canSend, type State } from "./states.ts";
import {
  abort,
  changeState,
  type EndReason,
  hasSendRoom,
  type OutSegment,
  Tcb,
  type TcpConfig,
  type TcpKind,
  type TcpNumbers,
  windowUpdateIsDue,
} from "./tcb.ts";
import { expire } from "./timeout.ts";
import { pollSegment } from "./transmit.ts";

/** What a read found when there are no bytes: nothing yet, the program's FIN, or a reset. */
export type ReadEnd = "wait" | "end" | "reset";

/** One terminating TCP endpoint. Times are milliseconds of one clock that never goes back. */
export class Endpoint {
  readonly #tcb: Tcb;

  /** Mostly it is `hold` or `open` that is wanted. */
  constructor(tcb: Tcb) {
    this.#tcb = tcb;
  }

  /** An endpoint that holds the program's SYN until `accept`. */
  static hold(config: TcpKind, numbers: TcpNumbers, syn: Segment, now: number): Endpoint {
    const tcb = new Tcb(config, numbers, "HELD");
    takeSyn(tcb, syn, now);
    return new Endpoint(tcb);
  }

  /** An endpoint that opens by itself: for tests and for programs that want to be the client. */
  static open(config: TcpConfig, now: number): Endpoint {
    const tcb = new Tcb(config, config, "SYN-SENT");
    tcb.openedAt = now;
    tcb.synPending = true;
    return new Endpoint(tcb);
  }

  /** The state of RFC 9293. */
  get state(): State {
    return this.#tcb.state;
  }

  /** How it ended; tells something only after the event `ENDED`. */
  get endReason(): EndReason {
    return this.#tcb.endReason;
  }

  /** Bytes that the program acknowledged. */
  get inboundBytes(): number {
    return this.#tcb.inboundBytes;
  }

  /** Bytes that the program sent, in order. */
  get outboundBytes(): number {
    return this.#tcb.outboundBytes;
  }

  /** Bytes that wait here, in both directions: what the limits are about. */
  get queuedBytes(): number {
    const tcb = this.#tcb;
    return tcb.sendQueue.length + tcb.receiveQueue.length + tcb.assembler.heldBytes;
  }

  /** Whether the segment that began at `seq` may still be on its way: what an ICMP error quotes (RFC 5927, section 4.1). */
  isInFlight(seq: number): boolean {
    return isInFlight(this.#tcb, seq);
  }

  /** Sends no more than `mss` bytes of payload and options in one segment; what is in flight goes again. False when that is no less than before. */
  limitMss(mss: number): boolean {
    return limitMss(this.#tcb, mss);
  }

  /** Takes one segment whose bytes stand in `bytes`; says why, when it was dropped. */
  handleSegment(segment: Segment, bytes: Uint8Array, now: number): DropReason | undefined {
    const tcb = this.#tcb;
    if (tcb.state === "HELD") return arriveHeld(tcb, segment);
    if (tcb.state === "SYN-SENT") return arriveSynSent(tcb, segment, now);
    if (tcb.state === "CLOSED") return "tcp-closed";
    return arrive(tcb, segment, bytes, now);
  }

  /** Acts on every deadline that has come. Called early, or twice, it does nothing. */
  handleTimeout(now: number): void {
    for (let timer; (timer = this.#tcb.timers.takeExpired(now)) !== undefined;) {
      expire(this.#tcb, timer, now);
    }
  }

  /** Fills in the next segment to send; false when there is none. */
  pollSegment(out: OutSegment, now: number): boolean {
    return pollSegment(this.#tcb, out, now);
  }

  /** Copies a part of the send queue, as `pollSegment` named it, to `target[at..]`. */
  copyPayload(out: OutSegment, target: Uint8Array, at: number): void {
    this.#tcb.sendQueue.copy(out.payloadOffset, out.payloadLength, target, at);
  }

  /** The bits of what happened since the last call. */
  takeEvents(): number {
    const events = this.#tcb.events;
    this.#tcb.events = 0;
    return events;
  }

  /** The next deadline, Infinity when there is none. */
  nextTimeout(): number {
    return this.#tcb.timers.next();
  }

  /** Lets the SYN-ACK leave. */
  accept(): void {
    changeState(this.#tcb, "SYN-RECEIVED");
    this.#tcb.synPending = true;
  }

  /** Takes bytes that the program sent, or says what there is instead; after "wait" comes the event `READABLE`. */
  read(): Uint8Array<ArrayBuffer> | ReadEnd {
    const tcb = this.#tcb;
    const chunk = tcb.receiveQueue.take();
    if (chunk !== undefined) {
      tcb.receiveSize.take(chunk.length);
      if (canReceive(tcb.state) && windowUpdateIsDue(tcb)) tcb.ackPending = true;
      return chunk;
    }
    if (tcb.finReceived) return "end";
    if (tcb.state === "CLOSED") return "reset";
    tcb.wantsRead = true;
    return "wait";
  }

  /**
   * Takes bytes for the program, which belong to the endpoint from then on. False when the caller should wait for the
   * event `WRITABLE` before it writes more; the bytes are taken all the same. In a state that sends no more they are dropped.
   */
  write(chunk: Uint8Array): boolean {
    const tcb = this.#tcb;
    if (tcb.closing || !(canSend(tcb.state) || tcb.state === "SYN-RECEIVED")) return true;
    tcb.sendQueue.push(chunk);
    if (hasSendRoom(tcb)) return true;
    tcb.wantsWrite = true;
    return false;
  }

  /** Sends FIN behind the last byte. */
  closeWrite(): void {
    this.#tcb.closing = true;
  }

  /** Says that nobody will read any more: bytes that wait are thrown away with a RST, later ones are answered with one. */
  stopReading(now: number): void {
    const tcb = this.#tcb;
    tcb.readingStopped = true;
    if (tcb.receiveQueue.length > 0 && !tcb.finReceived) return abort(tcb, "reset", true);
    tcb.receiveQueue.clear();
    if (tcb.state === "FIN-WAIT-2") tcb.timers.set("finWait2", now + FIN_WAIT_2_MS);
  }

  /** Breaks the connection off with a RST. */
  reset(): void {
    abort(this.#tcb, "reset", true);
  }

  /** Ends it without a word to the program, for a caller that answers in another way. */
  discard(): void {
    abort(this.#tcb, "reset", false);
  }

  /**
   * Whether a SYN may take this endpoint's place: that of one that is over, and in TIME-WAIT with a number or timestamp beyond the old
   * ones (RFC 9293, MAY-2; RFC 6191).
   */
  canBeReplacedBy(segment: Segment): boolean {
    const tcb = this.#tcb;
    if ((segment.flags & (SYN | ACK | RST)) !== SYN) return false;
    // A RST and the next SYN may come in one batch.
    if (tcb.state === "CLOSED") return true;
    if (tcb.state !== "TIME-WAIT") return false;
    const { options } = segment;
    if (tcb.timestamps && options.hasTimestamps && options.timestampValue !== tcb.tsRecent) {
      return seqLess(tcb.tsRecent, options.timestampValue);
    }
    return seqLess(tcb.rcvNxt, segment.seq);
  }
}

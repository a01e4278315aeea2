/**
 * The transmission control block: what one endpoint knows (RFC 9293, section 3.3.1). The other files of this room are
 * functions over it, each with one concern; `endpoint.ts` is the only door from outside.
 *
 * @module
 */

import { seqAdd, seqDiff, seqMax } from "../wire/seq.ts";
import { newOptions, type TcpOptions } from "../wire/tcp_options.ts";
import { Assembler } from "./assembler.ts";
import { INITIAL_BUFFER_BYTES } from "./constants.ts";
import type { CongestionControl } from "./congestion.ts";
import { Flight } from "./flight.ts";
import { Rack } from "./rack.ts";
import { ReceiveQueue } from "./receive_queue.ts";
import type { Memory } from "./memory.ts";
import { RightSize } from "./right_size.ts";
import { RttEstimator } from "./rtt.ts";
import { SendQueue } from "./send_queue.ts";
import type { TcpSettings } from "./settings.ts";
import { type State, TRANSITIONS } from "./states.ts";
import { Timers } from "./timers.ts";

/** What all endpoints of a kind are told at their birth. */
export interface TcpKind extends TcpSettings {
  /** The largest payload of one segment that the path takes, options not counted: MTU minus IP and TCP headers. */
  readonly mss: number;
  /** What a peer that names no MSS is sent, and one whose path seems to swallow more. */
  readonly defaultPeerMss: number;
  /** Bytes that may wait for a reader: what the receive window may grow to. */
  readonly receiveBufferBytes: number;
  /** Bytes that may wait for acknowledgment: what the send queue may grow to, where a write waits while there are more. */
  readonly sendBufferBytes: number;
  /** What this endpoint and others may hold together; alone in the world when left out. */
  readonly memory?: Memory;
  /** The largest payload of one emission: above `mss` where the device cuts it into segments. */
  readonly maxPayloadBytes: number;
}

/** What each of them is told for itself. */
export interface TcpNumbers {
  /** Initial sequence number (RFC 6528). */
  readonly iss: number;
  /** Added to the clock, so that timestamps tell nothing of it (RFC 7323, section 5.4). */
  readonly timestampOffset: number;
}

/** Both at once. */
export interface TcpConfig extends TcpKind, TcpNumbers {}

/** What a poll of an endpoint fills in: one segment, or with `segmentSize` > 0 one super-packet of several. */
export interface OutSegment {
  seq: number;
  ack: number;
  flags: number;
  /** As it goes on the wire: already scaled. */
  window: number;
  options: TcpOptions;
  /** Where the payload starts in the send queue. */
  payloadOffset: number;
  payloadLength: number;
  /** Payload bytes of each segment when the payload is to be cut; 0 when it is one segment. */
  segmentSize: number;
}

/** An empty shape to fill. */
export function newOutSegment(): OutSegment {
  return {
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    options: newOptions(),
    payloadOffset: 0,
    payloadLength: 0,
    segmentSize: 0,
  };
}

/** What happened to an endpoint, as bits: its owner asks for them after each call. */
export const OPENED = 1;
/** A reader that found nothing may look again: bytes, the end, or the reset. */
export const READABLE = 2;
/** A writer that was told to wait may go on. */
export const WRITABLE = 4;
/** Both directions are over; `endReason` says how. */
export const ENDED = 8;

/** How an endpoint ended. */
export type EndReason = "finished" | "reset" | "timeout";

/** The fields of one endpoint. */
export class Tcb {
  state: State;
  /** One object for all of a kind: ten thousand endpoints may be idle. */
  readonly config: TcpKind;
  readonly iss: number;
  readonly timestampOffset: number;

  // Send sequence space. Invariant: the send queue and the flight begin at sndUna.
  sndUna: number;
  sndNxt: number;
  /** The peer's window in bytes, and the segment that told it (RFC 9293, section 3.10.7.4). */
  sndWnd = 0;
  sndWl1 = 0;
  maxSndWnd = 0;
  sndShift = 0;
  /** Payload bytes of a full segment before options are taken off. */
  sndMss: number;
  readonly sendQueue = new SendQueue();
  readonly sendSize: RightSize;
  /** The FIN is wanted: it follows the last byte of the queue. */
  closing = false;
  finSent = false;
  finAcked = false;

  // Loss recovery. `flight` knows what is lost and to be sent again.
  readonly flight = new Flight();
  readonly rack = new Rack();
  recovery: "none" | "fast" | "timeout" = "none";
  /** Recovery ends when this is acknowledged (RFC 6582: recover). */
  recoverPoint: number;
  /** When the congestion window was last reduced for a loss. */
  reducedAt = -Infinity;
  duplicateAcks = 0;
  /** The first retransmission of a recovery leaves whatever the congestion window says. */
  forceRetransmit = false;
  /** Whether the latest recovery may turn out to be none; then: its repeated bytes that no duplicate was reported of, and when the first of them left, and up to where. */
  mayUndo = false;
  repeatedBytes = 0;
  repeatedAt = Infinity;
  repeatedEnd = 0;
  /** SND.NXT behind a tail loss probe whose fate is open, -1 when there is none; and whether the probe repeated what had left before. */
  tailProbeEnd = -1;
  tailProbeIsRepeat = false;
  tailProbePending = false;
  readonly rtt = new RttEstimator();
  congestion: CongestionControl | undefined;
  /** The congestion window, not the application, was the limit of late: only then may it grow. */
  windowWasLimit = false;
  /** One segment at a time is timed: acknowledged beyond this, it gives a sample. Time -1 when none is. */
  timedSeq = 0;
  timedAt = -1;
  lastSentAt = 0;
  /** Since when the peer has not answered what needs an answer; -1 while it does. */
  silentSince = -1;
  probes = 0;
  /** Retransmission timeouts since something new was acknowledged. */
  timeouts = 0;

  // Receive sequence space. Invariant: the receive queue ends at rcvNxt; the window ends at rcvEdge and never moves back.
  irs = 0;
  rcvNxt = 0;
  /** The right edge of the window as last advertised. */
  rcvEdge = 0;
  rcvShift = 0;
  readonly receiveQueue = new ReceiveQueue();
  readonly receiveSize: RightSize;
  readonly assembler = new Assembler();
  /** The number of a FIN that came before its turn, -1 when none did. */
  finAt = -1;
  finReceived = false;
  /** The latest duplicate, which the next acknowledgment reports (RFC 2883); nothing where both are the same. */
  duplicateFrom = 0;
  duplicateTo = 0;
  /** Nobody will read any more: further data is answered with RST. */
  readingStopped = false;

  // Options agreed on in the handshake.
  sackPermitted = false;
  timestamps = false;
  tsRecent = 0;
  tsRecentAt = 0;
  lastAckSent = 0;

  // What is to be sent besides data.
  synPending = false;
  ackPending = false;
  probePending = false;
  resetPending = false;
  keepAlivePending = false;
  keepAliveProbes = 0;
  /** When the last acceptable segment came. */
  heardAt = 0;
  lastChallengeAt = -Infinity;

  readonly timers = new Timers();
  /** When the first SYN or SYN-ACK left. */
  openedAt = 0;
  events = 0;
  wantsRead = false;
  wantsWrite = false;
  endReason: EndReason = "finished";
  inboundBytes = 0;
  outboundBytes = 0;

  /** A block in `HELD` or `SYN-SENT`. */
  constructor(config: TcpKind, { iss, timestampOffset }: TcpNumbers, state: State) {
    this.config = config;
    this.iss = iss;
    this.timestampOffset = timestampOffset;
    this.state = state;
    this.sendSize = new RightSize(config.sendBufferBytes);
    this.receiveSize = new RightSize(config.receiveBufferBytes);
    this.sndMss = config.mss;
    this.sndUna = this.sndNxt = iss;
    this.recoverPoint = iss;
  }
}

/** The only function that changes the state. A forbidden change is a bug of ours and says so. */
export function changeState(tcb: Tcb, next: State): void {
  if (!TRANSITIONS[tcb.state].includes(next)) {
    throw new Error(`A TCP endpoint cannot go from ${tcb.state} to ${next}: please report this`);
  }
  tcb.state = next;
}

/** Ends both directions at once, and tells the peer when `sendReset` is set. Bytes not yet read stay readable. */
export function abort(tcb: Tcb, reason: EndReason, sendReset: boolean): void {
  if (tcb.state === "CLOSED") return;
  if (tcb.state === "HELD") {
    // The peer knows no number of ours, so the reset says 0 (RFC 9293, section 3.10.7.1), and no option was agreed on.
    tcb.sndNxt = 0;
    tcb.timestamps = false;
  }
  const wasOver = tcb.state === "TIME-WAIT";
  changeState(tcb, "CLOSED");
  tcb.resetPending = sendReset;
  tcb.sendQueue.clear();
  tcb.flight.restart(tcb.sndNxt);
  tcb.assembler.clear();
  tcb.timers.stopAll();
  if (!wasOver) end(tcb, reason);
}

/** Both directions are over. */
export function end(tcb: Tcb, reason: EndReason): void {
  tcb.endReason = reason;
  tcb.events |= ENDED;
  wakeReader(tcb);
}

/** Lets a waiting reader look again. */
export function wakeReader(tcb: Tcb): void {
  if (!tcb.wantsRead) return;
  tcb.wantsRead = false;
  tcb.events |= READABLE;
}

/** Whether the send queue should take more. */
export function hasSendRoom(tcb: Tcb): boolean {
  return tcb.sendQueue.length < spaceFor(tcb, tcb.sendSize);
}

/** Lets a waiting writer go on when there is room. */
export function wakeWriter(tcb: Tcb): void {
  if (!tcb.wantsWrite || !hasSendRoom(tcb)) return;
  tcb.wantsWrite = false;
  tcb.events |= WRITABLE;
}

/** The number behind the last byte of the send queue: where the FIN stands. */
export function dataEnd(tcb: Tcb): number {
  return seqAdd(tcb.sndUna, tcb.sendQueue.length);
}

/** What a queue may hold beside those of other flows: never less than two segments, or it would stall. */
export function spaceFor(tcb: Tcb, size: RightSize): number {
  const { memory, mss } = tcb.config;
  return memory === undefined ? size.bytes : Math.min(size.bytes, Math.max(memory.share, 2 * mss));
}

/** Where the receive window may end: behind what the buffer can take, and never before what was promised. */
export function receiveEdge(tcb: Tcb): number {
  const room = Math.max(spaceFor(tcb, tcb.receiveSize) - tcb.receiveQueue.length, 0);
  const limit = tcb.rcvShift > 0 ? 0xffff << tcb.rcvShift : 0xffff;
  return seqMax(seqAdd(tcb.rcvNxt, Math.min(room, limit)), tcb.rcvEdge);
}

/**
 * Whether the window has grown enough to be worth a segment of its own: SWS avoidance of the receiver
 * (RFC 9293, section 3.8.6.2.2), with a quarter of a buffer while the sender is not yet near the edge.
 */
export function windowUpdateIsDue(tcb: Tcb): boolean {
  const growth = seqDiff(receiveEdge(tcb), tcb.rcvEdge);
  if (growth >= Math.min(spaceFor(tcb, tcb.receiveSize), INITIAL_BUFFER_BYTES) / 4) return true;
  return growth >= tcb.config.mss && seqDiff(tcb.rcvEdge, tcb.rcvNxt) < 2 * tcb.config.mss;
}

/** The timestamp clock: milliseconds, shifted for each flow. */
export function timestampNow(tcb: Tcb, now: number): number {
  return (Math.floor(now) + tcb.timestampOffset) >>> 0;
}

/**
 * A segment arrives in a synchronized state (RFC 9293, section 3.10.7.4, in its order: sequence number, RST, SYN,
 * ACK, data, FIN), with the stricter checks of RFC 5961 and PAWS (RFC 7323, section 5).
 *
 * @module
 */

import type { DropReason } from "../wire/ip.ts";
import { seqAdd, seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import { ACK, FIN, RST, type Segment, segmentLength, SYN } from "../wire/tcp.ts";
import { ackIsAcceptable, enterTimeWait, handleAck } from "./ack.ts";
import { CHALLENGE_ACK_INTERVAL_MS, TIME_WAIT_MS, TIMESTAMP_VALID_MS } from "./constants.ts";
import {
  arriveSynAgain,
  completeHandshake,
  HANDSHAKE_ACK_UNACCEPTABLE,
  isSynAgain,
} from "./handshake.ts";
import { canReceive } from "./states.ts";
import { abort, changeState, type Tcb, wakeReader } from "./tcb.ts";

/** Takes a segment whose bytes stand in `bytes`; says why, when it is dropped. */
export function arrive(
  tcb: Tcb,
  segment: Segment,
  bytes: Uint8Array,
  now: number,
): DropReason | undefined {
  const { flags } = segment;
  const stale = checkTimestamp(tcb, segment, now);
  if (stale !== undefined) return stale;
  if (isSynAgain(tcb, segment)) return arriveSynAgain(tcb, segment, now);
  const outside = checkSequence(tcb, segment, now);
  if (outside !== undefined) return outside;
  tcb.heardAt = now;
  if ((flags & RST) !== 0) return arriveReset(tcb, segment, now);
  if ((flags & SYN) !== 0) {
    challenge(tcb, now);
    return "tcp-syn-in-window";
  }
  if ((flags & ACK) === 0) return "tcp-no-ack";
  if (tcb.state === "SYN-RECEIVED" && !completeHandshake(tcb, segment, now)) {
    return HANDSHAKE_ACK_UNACCEPTABLE;
  }
  if (!ackIsAcceptable(tcb, segment.ack)) {
    challenge(tcb, now);
    return "tcp-ack-unacceptable";
  }
  if (tcb.timestamps) takeTimestamp(tcb, segment, now);
  handleAck(tcb, segment, now);
  const hasPayload = segment.payloadEnd > segment.payloadAt;
  if (hasPayload) tcb.receiveSize.measure(now, tcb.rtt.leastMs);
  const dropped = hasPayload ? takePayload(tcb, segment, bytes) : undefined;
  if (tcb.state === "CLOSED") return dropped;
  // A FIN may be news where its data is not, and waits for its turn where they were dropped.
  if ((flags & FIN) !== 0) noteFin(tcb, segment, now);
  if (tcb.finAt >= 0 && tcb.finAt === tcb.rcvNxt) takeFin(tcb, now);
  return dropped;
}

/** PAWS: an old duplicate betrays itself by its timestamp (RFC 7323, section 5.3). */
function checkTimestamp(tcb: Tcb, segment: Segment, now: number): DropReason | undefined {
  if (!tcb.timestamps || (segment.flags & RST) !== 0) return undefined;
  if (!segment.options.hasTimestamps) {
    // A SYN is of another connection, which the challenge ACK tells from an attack (RFC 5961, section 4).
    return (segment.flags & SYN) !== 0 ? undefined : "tcp-timestamp-missing";
  }
  const isOld = seqLess(segment.options.timestampValue, tcb.tsRecent);
  if (!isOld || now - tcb.tsRecentAt > TIMESTAMP_VALID_MS) return undefined;
  answerUnacceptable(tcb, segment, now);
  return "tcp-timestamp-old";
}

function takeTimestamp(tcb: Tcb, segment: Segment, now: number): void {
  // RFC 7323, section 4.3, rule 2: only a segment that spans Last.ACK.sent moves TS.Recent.
  if (!segment.options.hasTimestamps || seqLess(tcb.lastAckSent, segment.seq)) return;
  // One that looks old and passed PAWS is the first after 24 days (RFC 7323, section 5.5).
  tcb.tsRecent = segment.options.timestampValue;
  tcb.tsRecentAt = now;
}

/**
 * The window test. A segment that begins right at the window's end is let through, as its ACK may be the one that
 * both sides wait for; its payload is trimmed away.
 */
function checkSequence(tcb: Tcb, segment: Segment, now: number): DropReason | undefined {
  const stop = seqAdd(segment.seq, segmentLength(segment));
  noteDuplicate(tcb, segment);
  if (seqLessEqual(tcb.rcvNxt, stop) && seqLessEqual(segment.seq, tcb.rcvEdge)) return undefined;
  if ((segment.flags & RST) !== 0) return "tcp-reset-out-of-window";
  answerUnacceptable(tcb, segment, now);
  return "tcp-out-of-window";
}

/** Bytes that were taken before; a duplicate of what waits out of order is found when it is inserted. */
function noteDuplicate(tcb: Tcb, segment: Segment): void {
  const { seq, payloadAt, payloadEnd } = segment;
  if (!tcb.sackPermitted || payloadAt === payloadEnd || !seqLess(seq, tcb.rcvNxt)) return;
  const stop = seqAdd(seq, payloadEnd - payloadAt);
  tcb.duplicateFrom = seq;
  tcb.duplicateTo = seqLess(stop, tcb.rcvNxt) ? stop : tcb.rcvNxt;
}

/** Every unacceptable segment wants an ACK; empty ones are throttled, so that two endpoints cannot feed each other. */
function answerUnacceptable(tcb: Tcb, segment: Segment, now: number): void {
  if (segmentLength(segment) > 0 && (segment.flags & SYN) === 0) tcb.ackPending = true;
  else challenge(tcb, now);
}

/** A challenge ACK (RFC 5961): an honest peer answers it, a blind attacker learns nothing. */
function challenge(tcb: Tcb, now: number): void {
  if (now - tcb.lastChallengeAt < CHALLENGE_ACK_INTERVAL_MS) return;
  tcb.lastChallengeAt = now;
  tcb.ackPending = true;
}

/** RFC 5961, section 3.2: only the very next number resets; another one within the window is challenged. */
function arriveReset(tcb: Tcb, segment: Segment, now: number): DropReason | undefined {
  if (segment.seq !== tcb.rcvNxt) {
    challenge(tcb, now);
    return "tcp-reset-not-exact";
  }
  abort(tcb, "reset", false);
  return undefined;
}

function takePayload(tcb: Tcb, segment: Segment, bytes: Uint8Array): DropReason | undefined {
  tcb.ackPending = true;
  if (!canReceive(tcb.state)) return tcb.finReceived ? undefined : "tcp-data-after-close";
  const skip = Math.max(seqDiff(tcb.rcvNxt, segment.seq), 0);
  const room = seqDiff(tcb.rcvEdge, segment.seq);
  const start = segment.payloadAt + skip;
  const stop = Math.min(segment.payloadEnd, segment.payloadAt + Math.max(room, 0));
  if (start >= stop) return segment.payloadEnd > stop ? "tcp-beyond-window" : "tcp-duplicate-data";
  if (tcb.readingStopped) {
    // RFC 1122, section 4.2.2.13: data for a reader that is gone is answered with RST.
    abort(tcb, "reset", true);
    return "tcp-data-after-close";
  }
  const isNext = skip > 0 || segment.seq === tcb.rcvNxt;
  // Windows that were promised before others took the memory may hold more than there is. Then what comes out of order has to come again, and
  // what comes in order as well, where many bytes wait for the reader of this flow already.
  const held = isNext ? tcb.receiveQueue.length : Infinity;
  if (tcb.config.memory?.mayKeep(stop - start, held) === false) return "limit-memory";
  if (!isNext) return keepForLater(tcb, segment.seq, bytes, start, stop);
  deliver(tcb, bytes, start, stop);
  if (tcb.assembler.length > 0) {
    for (let piece; (piece = tcb.assembler.take(tcb.rcvNxt)) !== undefined;) {
      deliver(tcb, piece, 0, piece.length);
    }
  }
  wakeReader(tcb);
  return undefined;
}

function keepForLater(
  tcb: Tcb,
  seq: number,
  bytes: Uint8Array,
  start: number,
  stop: number,
): DropReason | undefined {
  const before = tcb.assembler.length;
  const isKept = tcb.assembler.insert(seq, bytes, start, stop);
  if (!isKept) return "tcp-reassembly-full";
  if (tcb.sackPermitted && tcb.assembler.length === before) {
    tcb.duplicateFrom = seq;
    tcb.duplicateTo = seqAdd(seq, stop - start);
    return "tcp-duplicate-data";
  }
  return undefined;
}

function deliver(tcb: Tcb, bytes: Uint8Array, start: number, stop: number): void {
  tcb.receiveQueue.push(bytes, start, stop);
  tcb.outboundBytes += stop - start;
  tcb.rcvNxt = seqAdd(tcb.rcvNxt, stop - start);
}

function noteFin(tcb: Tcb, segment: Segment, now: number): void {
  tcb.ackPending = true;
  // Our last ACK was lost; the one behind this FIN may be, too (RFC 9293, section 3.10.7.4).
  if (tcb.state === "TIME-WAIT") tcb.timers.set("timeWait", now + TIME_WAIT_MS);
  const at = seqAdd(segment.seq, segment.payloadEnd - segment.payloadAt);
  // A FIN behind trimmed data has not arrived yet.
  if (!tcb.finReceived && seqLessEqual(at, tcb.rcvEdge)) tcb.finAt = at;
}

function takeFin(tcb: Tcb, now: number): void {
  tcb.finAt = -1;
  tcb.finReceived = true;
  tcb.rcvNxt = seqAdd(tcb.rcvNxt, 1);
  if (seqLess(tcb.rcvEdge, tcb.rcvNxt)) tcb.rcvEdge = tcb.rcvNxt;
  tcb.ackPending = true;
  wakeReader(tcb);
  if (tcb.state === "ESTABLISHED") changeState(tcb, "CLOSE-WAIT");
  else if (tcb.state === "FIN-WAIT-2") enterTimeWait(tcb, now);
  else if (tcb.state === "FIN-WAIT-1") changeState(tcb, "CLOSING");
}

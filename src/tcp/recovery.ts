/**
 * From a sign of loss to the end of recovery: by time where the peer reports what it has (RFC 8985), by three duplicates where it does
 * not (RFC 5681, RFC 6582).
 *
 * @module
 */

import { seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import { DUPLICATE_ACK_THRESHOLD } from "./constants.ts";
import type { Tcb } from "./tcb.ts";

/** Bytes on their way: the pipe of RFC 6675, section 4. */
export function flightBytes(tcb: Tcb): number {
  const sent = seqDiff(tcb.sndNxt, tcb.sndUna);
  // Without SACK each duplicate ACK stands for a segment that left the path, so that each lets a new one go (RFC 3042; RFC 5681, section 3.2).
  const arrived = tcb.sackPermitted
    ? tcb.flight.reportedBytes
    : Math.min(sent, tcb.duplicateAcks * tcb.sndMss);
  return Math.max(sent - arrived - tcb.flight.lostBytes, 0);
}

/** Looks for losses after an acknowledgment, or when the reordering timer expired. */
export function detectLoss(tcb: Tcb, now: number): void {
  if (tcb.sndUna === tcb.sndNxt || tcb.timers.isSet("persist")) return tcb.timers.stop("reorder");
  if (tcb.sackPermitted) return detectByTime(tcb, now);
  // Duplicates up to the old recovery point may come from what was repeated without need (RFC 6582, section 3.2, step 1).
  const isNew = tcb.recovery === "none" && seqLess(tcb.recoverPoint, tcb.sndUna);
  if (isNew && tcb.duplicateAcks === DUPLICATE_ACK_THRESHOLD) {
    enterRecovery(tcb, now);
    tcb.flight.loseFirst(tcb.sndMss);
  }
}

/** RFC 8985, section 6.2, step 5. */
function detectByTime(tcb: Tcb, now: number): void {
  const { flight, rack } = tcb;
  const slackMs = lossDelay(tcb);
  const before = flight.lostBytes;
  const waiting = flight.loseBefore(rack.sentAt, rack.end, slackMs, now);
  if (waiting >= 0) tcb.timers.set("reorder", waiting + slackMs);
  else tcb.timers.stop("reorder");
  if (flight.lostBytes > before && tcb.recovery === "none") enterRecovery(tcb, now);
  // A repetition that is lost as well left after the window had been reduced: the path still has too much.
  if (tcb.recovery === "fast" && flight.lostAgainAt > tcb.reducedAt) reduce(tcb, now);
}

/** How long after it left something counts as lost, when something that left later has arrived. */
function lossDelay(tcb: Tcb): number {
  // In recovery, or with reports like three duplicate ACKs, there is no need to wait for late ones.
  const isClear = tcb.recovery !== "none" || tcb.duplicateAcks >= DUPLICATE_ACK_THRESHOLD ||
    tcb.flight.reportedBytes > (DUPLICATE_ACK_THRESHOLD - 1) * tcb.sndMss;
  return Math.max(tcb.rack.rttMs, 0) + tcb.rack.reorderingMs(isClear, tcb.rtt.smoothedMs);
}

function reduce(tcb: Tcb, now: number): void {
  tcb.congestion!.onLoss(seqDiff(tcb.sndNxt, tcb.sndUna));
  tcb.reducedAt = now;
}

function enterRecovery(tcb: Tcb, now: number): void {
  reduce(tcb, now);
  tcb.recovery = "fast";
  beginRecovery(tcb);
  expectUndo(tcb);
}

/** Enters, or enters again, the recovery from an expired retransmission timer. */
export function recoverFromTimeout(tcb: Tcb, now: number): void {
  const isRepeated = tcb.recovery === "timeout";
  tcb.congestion!.onTimeout(flightBytes(tcb), isRepeated);
  const { flight, sndUna, sndNxt } = tcb;
  // The peer may have thrown away what it reported (RFC 2018, section 8).
  if (isRepeated || flight.isReneged) flight.forgetReports();
  if (isRepeated || !tcb.sackPermitted) flight.lose(sndUna, sndNxt);
  // What left of late may be on its way still (RFC 8985, section 6.3).
  else flight.loseBefore(Infinity, sndNxt, lossDelay(tcb), now);
  flight.loseFirst(tcb.sndMss);
  tcb.recovery = "timeout";
  tcb.duplicateAcks = 0;
  beginRecovery(tcb);
  if (!isRepeated) expectUndo(tcb);
}

function beginRecovery(tcb: Tcb): void {
  tcb.recoverPoint = tcb.sndNxt;
  tcb.forceRetransmit = true;
  tcb.timedAt = -1;
  tcb.tailProbeEnd = -1;
  tcb.timers.stop("tailProbe");
}

function expectUndo(tcb: Tcb): void {
  tcb.mayUndo = true;
  tcb.repeatedBytes = 0;
  tcb.repeatedAt = Infinity;
}

/** Something new was acknowledged in recovery: it is over, or goes on with the next hole. */
export function continueRecovery(tcb: Tcb, now: number): void {
  if (seqLessEqual(tcb.recoverPoint, tcb.sndUna)) {
    tcb.recovery = "none";
    tcb.forceRetransmit = false;
    tcb.rack.onRecovered(tcb.sndUna);
    // What left in recovery and was lost is another event.
    if (tcb.flight.lostBytes > 0) enterRecovery(tcb, now);
  } else if (tcb.recovery === "fast" && !tcb.sackPermitted) {
    // A partial acknowledgment points at the next hole (RFC 6582, section 3.2).
    tcb.flight.loseFirst(tcb.sndMss);
    tcb.forceRetransmit = true;
  }
}

/** The peer has what was repeated twice, as a D-SACK says (RFC 2883): if that holds for all of a recovery, it was none. */
export function takeDuplicate(tcb: Tcb, bytes: number): void {
  if (tcb.repeatedBytes <= 0) return;
  tcb.repeatedBytes -= bytes;
  tcb.rack.onDuplicate(tcb.sndUna, tcb.sndNxt);
  if (tcb.repeatedBytes <= 0) undo(tcb);
}

/**
 * What was repeated first in a recovery is acknowledged: when that answers what left before, the first copy has arrived, and the recovery
 * was none (Eifel detection, RFC 3522).
 */
export function takeEcho(tcb: Tcb, echoedAt: number): void {
  const isAnswered = tcb.mayUndo && tcb.repeatedAt !== Infinity &&
    seqLessEqual(tcb.repeatedEnd, tcb.sndUna);
  if (!isAnswered) return;
  if (echoedAt < Math.floor(tcb.repeatedAt)) {
    if (tcb.recovery === "fast") tcb.rack.onDuplicate(tcb.sndUna, tcb.sndNxt);
    undo(tcb);
  }
  tcb.repeatedAt = -Infinity;
}

function undo(tcb: Tcb): void {
  if (!tcb.mayUndo) return;
  tcb.mayUndo = false;
  tcb.congestion!.undo();
  if (tcb.recovery === "none") return;
  tcb.recovery = "none";
  tcb.forceRetransmit = false;
  tcb.flight.forgive();
}

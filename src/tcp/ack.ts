/**
 * What an acknowledgment tells: bytes that arrived, the window, round-trip time, and losses
 * (RFC 9293, section 3.10.7.4; RFC 5681; RFC 6582; RFC 6675).
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess, seqLessEqual, seqMax } from "../wire/seq.ts";
import type { Segment } from "../wire/tcp.ts";
import { DUPLICATE_ACK_THRESHOLD, FIN_WAIT_2_MS, TIME_WAIT_MS } from "./constants.ts";
import { changeState, end, type Tcb, timestampNow, wakeWriter } from "./tcb.ts";

/** Whether SEG.ACK may be taken at all: not for what was never sent, and not far older than the window (RFC 5961, section 5.2). */
export function ackIsAcceptable(tcb: Tcb, ack: number): boolean {
  return seqLessEqual(ack, tcb.sndNxt) && seqLessEqual(seqAdd(tcb.sndUna, -tcb.maxSndWnd), ack);
}

/** Takes an acceptable acknowledgment. */
export function handleAck(tcb: Tcb, segment: Segment, now: number): void {
  const acked = seqDiff(segment.ack, tcb.sndUna);
  const news = takeSackBlocks(tcb, segment);
  const windowMoved = takeWindow(tcb, segment);
  if (acked > 0) {
    acknowledge(tcb, acked, segment, now);
  } else if (acked === 0 && isDuplicate(tcb, segment, windowMoved, news)) {
    tcb.duplicateAcks++;
  }
  // A peer that closes its window and says so is alive: probing goes on without end (RFC 9293, MUST-37).
  if (tcb.sndWnd === 0 || acked > 0) tcb.silentSince = -1;
  if (news > 0 || tcb.duplicateAcks > 0) detectLoss(tcb);
}

/** RFC 5681, section 2; with SACK it is the news of a block that counts (RFC 6675, section 2). */
function isDuplicate(tcb: Tcb, segment: Segment, windowMoved: boolean, news: number): boolean {
  if (tcb.sackPermitted) return news > 0;
  return tcb.sndUna !== tcb.sndNxt && segment.payloadAt === segment.payloadEnd && !windowMoved;
}

/**
 * Whether a block lies above SND.UNA and within what was sent. Measured from SND.UNA and not by comparing its edges: those of a
 * hostile block may lie so far off that each comparison holds, and the block between them does not.
 */
function isInFlight(tcb: Tcb, start: number, stop: number): boolean {
  const from = seqDiff(start, tcb.sndUna);
  const to = seqDiff(stop, tcb.sndUna);
  return 0 < from && from < to && to <= seqDiff(tcb.sndNxt, tcb.sndUna);
}

function takeSackBlocks(tcb: Tcb, segment: Segment): number {
  const { sackCount, sackEdges } = segment.options;
  let news = 0;
  for (let i = 0; tcb.sackPermitted && i < sackCount; i++) {
    const start = sackEdges[2 * i];
    const stop = sackEdges[2 * i + 1];
    // A block at or below the ACK is a D-SACK (RFC 2883): it reports a duplicate, not a hole.
    const isSane = seqLess(segment.ack, start) && isInFlight(tcb, start, stop);
    if (isSane) news += tcb.scoreboard.add(start, stop);
  }
  return news;
}

function takeWindow(tcb: Tcb, segment: Segment): boolean {
  // An ACK that moves SND.UNA tells the window, too, however old the segment around it: the old window would move along,
  // beyond its promised end (RFC 9293, section 3.10.7.4, does not say so; Linux does it). One below SND.UNA tells nothing.
  const isNewer = seqLess(tcb.sndUna, segment.ack) ||
    (tcb.sndUna === segment.ack && seqLessEqual(tcb.sndWl1, segment.seq));
  if (!isNewer) return false;
  const before = tcb.sndWnd;
  tcb.sndWnd = segment.window << tcb.sndShift;
  tcb.sndWl1 = segment.seq;
  tcb.maxSndWnd = Math.max(tcb.maxSndWnd, tcb.sndWnd);
  const isReopened = before === 0 && segment.ack === tcb.sndUna;
  if (tcb.sndWnd > 0 && (isReopened || tcb.timers.isSet("persist"))) reopenWindow(tcb);
  return tcb.sndWnd !== before;
}

/** The window is open again: what the peer threw away, a probe or what was out when it closed, is lost and goes first. */
function reopenWindow(tcb: Tcb): void {
  tcb.timers.stop("persist");
  tcb.probes = 0;
  if (tcb.sndUna !== tcb.sndNxt) {
    tcb.rexmitNxt = tcb.sndUna;
    tcb.lostEdge = tcb.sndNxt;
    tcb.forceRetransmit = true;
  }
}

function acknowledge(tcb: Tcb, acked: number, segment: Segment, now: number): void {
  const finIsAcked = tcb.finSent && !tcb.finAcked && segment.ack === tcb.sndNxt;
  const bytes = acked - (finIsAcked ? 1 : 0);
  tcb.sendQueue.drop(bytes);
  tcb.inboundBytes += bytes;
  tcb.sndUna = segment.ack;
  tcb.scoreboard.advance(segment.ack);
  tcb.rexmitNxt = seqMax(tcb.rexmitNxt, segment.ack);
  tcb.lostEdge = seqMax(tcb.lostEdge, segment.ack);
  tcb.duplicateAcks = 0;
  measure(tcb, segment, now);
  tcb.rtt.capBackoff();
  // The window does not grow with what was acknowledged of a fast recovery, its end included (RFC 5681, section 3.2).
  if (tcb.recovery !== "fast" && tcb.windowWasLimit) {
    tcb.congestion!.onAck(bytes, now, tcb.rtt.smoothedMs);
  }
  if (tcb.recovery !== "none") continueRecovery(tcb);
  if (tcb.sndUna === tcb.sndNxt) tcb.timers.stop("retransmit");
  else if (!tcb.timers.isSet("persist")) tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  wakeWriter(tcb);
  if (finIsAcked) finWasAcked(tcb, now);
}

/** The timed segment gives a fine measure; after a retransmission only a timestamp tells which copy was acknowledged. */
function measure(tcb: Tcb, segment: Segment, now: number): void {
  if (tcb.timedAt >= 0 && seqLessEqual(tcb.timedSeq, segment.ack)) {
    tcb.rtt.sample(now - tcb.timedAt);
    tcb.timedAt = -1;
  } else if (tcb.timestamps && segment.options.hasTimestamps && tcb.recovery !== "none") {
    const rtt = seqDiff(timestampNow(tcb, now), segment.options.timestampEcho);
    if (rtt >= 0) tcb.rtt.sample(rtt);
  }
}

function continueRecovery(tcb: Tcb): void {
  if (seqLessEqual(tcb.recoverPoint, tcb.sndUna)) {
    tcb.recovery = "none";
    tcb.lostEdge = tcb.rexmitNxt = tcb.sndUna;
    tcb.forceRetransmit = false;
    return;
  }
  if (tcb.recovery === "fast" && !tcb.sackPermitted) {
    // A partial acknowledgment points at the next hole (RFC 6582, section 3.2).
    markLost(tcb, seqAdd(tcb.sndUna, tcb.sndMss));
  }
}

function markLost(tcb: Tcb, edge: number): void {
  tcb.lostEdge = seqLess(edge, tcb.sndNxt) ? edge : tcb.sndNxt;
  tcb.rexmitNxt = tcb.sndUna;
  tcb.forceRetransmit = true;
}

function detectLoss(tcb: Tcb): void {
  if (tcb.sndUna === tcb.sndNxt || tcb.timers.isSet("persist")) return;
  if (tcb.sackPermitted) {
    let edge = tcb.scoreboard.lostEdge(tcb.sndUna, tcb.sndMss);
    // Three reports are a loss even where the segments are small (RFC 6675, section 5, step 1).
    if (edge === tcb.sndUna && tcb.duplicateAcks >= DUPLICATE_ACK_THRESHOLD) {
      edge = tcb.scoreboard.holeEnd(edge, seqAdd(edge, tcb.sndMss));
    }
    if (!seqLess(tcb.lostEdge, edge)) return;
    if (tcb.recovery === "none") enterRecovery(tcb);
    tcb.lostEdge = edge;
    return;
  }
  if (tcb.recovery === "none" && tcb.duplicateAcks === DUPLICATE_ACK_THRESHOLD) {
    enterRecovery(tcb);
    markLost(tcb, seqAdd(tcb.sndUna, tcb.sndMss));
  }
}

function enterRecovery(tcb: Tcb): void {
  tcb.congestion!.onLoss(seqDiff(tcb.sndNxt, tcb.sndUna));
  tcb.recovery = "fast";
  tcb.recoverPoint = tcb.sndNxt;
  tcb.rexmitNxt = tcb.sndUna;
  tcb.forceRetransmit = true;
  tcb.timedAt = -1;
}

function finWasAcked(tcb: Tcb, now: number): void {
  tcb.finAcked = true;
  if (tcb.state === "FIN-WAIT-1") {
    changeState(tcb, "FIN-WAIT-2");
    if (tcb.readingStopped) tcb.timers.set("finWait2", now + FIN_WAIT_2_MS);
  } else if (tcb.state === "CLOSING") enterTimeWait(tcb, now);
  else if (tcb.state === "LAST-ACK") {
    changeState(tcb, "CLOSED");
    tcb.timers.stopAll();
    end(tcb, "finished");
  }
}

/** Both FINs have passed; the numbers stay reserved for a while (RFC 9293, section 3.6.1). */
export function enterTimeWait(tcb: Tcb, now: number): void {
  changeState(tcb, "TIME-WAIT");
  tcb.timers.stopAll();
  tcb.timers.set("timeWait", now + TIME_WAIT_MS);
  end(tcb, "finished");
}

/** Bytes on their way: the pipe of RFC 6675, section 4. */
export function flightBytes(tcb: Tcb): number {
  const sent = seqDiff(tcb.sndNxt, tcb.sndUna);
  const arrived = tcb.sackPermitted
    ? tcb.scoreboard.sackedBytes
    : Math.min(sent, tcb.duplicateAcks * tcb.sndMss);
  return Math.max(sent - arrived - tcb.scoreboard.missingBetween(tcb.rexmitNxt, tcb.lostEdge), 0);
}

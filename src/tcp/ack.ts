/**
 * What an acknowledgment tells: bytes that arrived, the window, round-trip time, and losses
 * (RFC 9293, section 3.10.7.4; RFC 2018; RFC 2883).
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import type { Segment } from "../wire/tcp.ts";
import { FIN_WAIT_2_MS, TIME_WAIT_MS } from "./constants.ts";
import { continueRecovery, detectLoss, takeDuplicate, takeEcho } from "./recovery.ts";
import { armTailProbe, takeProbeAnswer } from "./tail_probe.ts";
import { changeState, end, type Tcb, timestampNow, wakeWriter } from "./tcb.ts";

/** Whether SEG.ACK may be taken at all: not for what was never sent, and not far older than the window (RFC 5961, section 5.2). */
export function ackIsAcceptable(tcb: Tcb, ack: number): boolean {
  return seqLessEqual(ack, tcb.sndNxt) && seqLessEqual(seqAdd(tcb.sndUna, -tcb.maxSndWnd), ack);
}

/** Takes an acceptable acknowledgment. */
export function handleAck(tcb: Tcb, segment: Segment, now: number): void {
  const acked = seqDiff(segment.ack, tcb.sndUna);
  const echoedAt = echoTime(tcb, segment, now);
  tcb.rack.begin(now, echoedAt);
  // Who only receives has no other measure; an echo that waited for the program to send is too long, and does no harm.
  if (tcb.timestamps) tcb.rtt.bound(Math.floor(now) - echoedAt);
  const windowMoved = takeWindow(tcb, segment);
  // In the order of their numbers, or RACK would take what came at once for what came out of order.
  if (acked > 0) acknowledge(tcb, acked, segment, echoedAt, now);
  const duplicateEnd = takeDuplicateReport(tcb, segment);
  const news = takeSackBlocks(tcb, segment, duplicateEnd >= 0 ? 1 : 0);
  if (acked === 0 && isDuplicate(tcb, segment, windowMoved, news)) tcb.duplicateAcks++;
  takeProbeAnswer(tcb, segment.ack, duplicateEnd, acked === 0 && segment.options.sackCount === 0);
  // A peer that closes its window and says so is alive: probing goes on without end (RFC 9293, MUST-37).
  if (tcb.sndWnd === 0 || acked > 0) tcb.silentSince = -1;
  if (acked <= 0 && news === 0 && tcb.duplicateAcks === 0) return;
  detectLoss(tcb, now);
  armTailProbe(tcb, now);
}

/** When the segment left that this one answers, NaN where no timestamp tells. */
function echoTime(tcb: Tcb, { options }: Segment, now: number): number {
  if (!tcb.timestamps || !options.hasTimestamps) return NaN;
  return Math.floor(now) - seqDiff(timestampNow(tcb, now), options.timestampEcho);
}

/** RFC 5681, section 2; with SACK it is the news of a block that counts (RFC 6675, section 2). */
function isDuplicate(tcb: Tcb, segment: Segment, windowMoved: boolean, news: number): boolean {
  if (tcb.sackPermitted) return news > 0;
  return tcb.sndUna !== tcb.sndNxt && segment.payloadAt === segment.payloadEnd && !windowMoved;
}

/**
 * Whether a block lies above `low`, an offset from SND.UNA, and within what was sent. Measured from SND.UNA and not by comparing its edges:
 * those of a hostile block may lie so far off that each comparison holds, and the block between them does not.
 */
function liesAbove(tcb: Tcb, low: number, start: number, stop: number): boolean {
  const from = seqDiff(start, tcb.sndUna);
  const to = seqDiff(stop, tcb.sndUna);
  return low < from && from < to && to <= seqDiff(tcb.sndNxt, tcb.sndUna);
}

/** A first block that lies below the ACK, or within the second one, reports a duplicate (RFC 2883, section 4). Gives its end, or -1. */
function takeDuplicateReport(tcb: Tcb, { ack, options }: Segment): number {
  const { sackCount, sackEdges } = options;
  if (!tcb.sackPermitted || sackCount === 0) return -1;
  const [start, stop, outerStart, outerStop] = sackEdges;
  const isBelow = seqLessEqual(stop, ack);
  const isWithin = sackCount > 1 && seqLessEqual(outerStart, start) &&
    seqLessEqual(stop, outerStop);
  // What is far behind was never ours to send in this window.
  const isSane = liesAbove(tcb, -tcb.maxSndWnd, start, stop);
  if (!isSane || !(isBelow || isWithin)) return -1;
  takeDuplicate(tcb, seqDiff(stop, start));
  return stop;
}

/** Takes the blocks from `first` on, the lowest first; returns how many bytes are news. */
function takeSackBlocks(tcb: Tcb, segment: Segment, first: number): number {
  const { sackCount, sackEdges } = segment.options;
  let news = 0;
  let floor = segment.ack;
  for (let turn = first; tcb.sackPermitted && turn < sackCount; turn++) {
    let lowest = -1;
    for (let i = first; i < sackCount; i++) {
      const isNext = seqLess(floor, sackEdges[2 * i]) &&
        (lowest < 0 || seqLess(sackEdges[2 * i], sackEdges[2 * lowest]));
      if (isNext) lowest = i;
    }
    if (lowest < 0) break;
    const start = floor = sackEdges[2 * lowest];
    const stop = sackEdges[2 * lowest + 1];
    if (liesAbove(tcb, 0, start, stop)) news += tcb.flight.report(start, stop, tcb.rack);
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
    tcb.flight.lose(tcb.sndUna, tcb.sndNxt);
    tcb.forceRetransmit = true;
  }
}

function acknowledge(
  tcb: Tcb,
  acked: number,
  segment: Segment,
  echoedAt: number,
  now: number,
): void {
  const finIsAcked = tcb.finSent && !tcb.finAcked && segment.ack === tcb.sndNxt;
  const bytes = acked - (finIsAcked ? 1 : 0);
  tcb.sendQueue.drop(bytes);
  tcb.inboundBytes += bytes;
  tcb.sendSize.take(bytes);
  tcb.sendSize.measure(now, tcb.rtt.leastMs);
  tcb.sndUna = segment.ack;
  tcb.flight.acknowledge(segment.ack, tcb.rack);
  tcb.duplicateAcks = 0;
  tcb.timeouts = 0;
  measure(tcb, segment, echoedAt, now);
  tcb.rtt.capBackoff();
  // The window does not grow with what was acknowledged of a fast recovery, its end included (RFC 5681, section 3.2).
  if (tcb.recovery !== "fast" && tcb.windowWasLimit) {
    tcb.congestion!.onAck(bytes, now, tcb.rack.rttMs);
  }
  if (tcb.recovery !== "none") takeEcho(tcb, echoedAt);
  if (tcb.recovery !== "none") continueRecovery(tcb, now);
  if (tcb.sndUna === tcb.sndNxt) tcb.timers.stop("retransmit");
  else if (!tcb.timers.isSet("persist")) tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  wakeWriter(tcb);
  if (finIsAcked) finWasAcked(tcb, now);
}

/** The timed segment gives a fine measure; after a retransmission only a timestamp tells which copy was acknowledged. */
function measure(tcb: Tcb, segment: Segment, echoedAt: number, now: number): void {
  if (tcb.timedAt >= 0 && seqLessEqual(tcb.timedSeq, segment.ack)) {
    tcb.rtt.sample(now - tcb.timedAt);
    tcb.timedAt = -1;
  } else if (tcb.recovery !== "none" && echoedAt <= now) {
    tcb.rtt.sample(Math.floor(now) - echoedAt);
  }
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

/**
 * Tail loss probes: when no acknowledgment comes for what left last, something is sent that provokes one, well before the retransmission
 * timer would close the congestion window (RFC 8985, section 7).
 *
 * @module
 */

import { seqDiff, seqLess } from "../wire/seq.ts";
import { MAX_ACK_DELAY_MS, MIN_TAIL_PROBE_MS } from "./constants.ts";
import type { Tcb } from "./tcb.ts";

/** Sets the timer anew after new data left or something was acknowledged; stops it where a probe would tell nothing (section 7.2). */
export function armTailProbe(tcb: Tcb, now: number): void {
  const { flight, timers } = tcb;
  const isCalm = tcb.recovery === "none" && flight.reportedBytes === 0 && flight.lostBytes === 0;
  const mayProbe = tcb.sackPermitted && isCalm && flight.length > 0 && tcb.tailProbeEnd < 0 &&
    tcb.rtt.smoothedMs >= 0 && !timers.isSet("persist");
  if (!mayProbe) return timers.stop("tailProbe");
  let delay = Math.max(2 * tcb.rtt.smoothedMs, MIN_TAIL_PROBE_MS);
  if (seqDiff(tcb.sndNxt, tcb.sndUna) <= tcb.sndMss) delay += MAX_ACK_DELAY_MS;
  timers.set("tailProbe", Math.min(now + delay, timers.deadline("retransmit")));
}

/** The fate of a probe (section 7.4): a probe that repeated what was lost has mended a loss, which counts as one. `duplicateEnd` is the end of a D-SACK, -1 for none. */
export function takeProbeAnswer(
  tcb: Tcb,
  ack: number,
  duplicateEnd: number,
  isBare: boolean,
): void {
  const end = tcb.tailProbeEnd;
  if (end < 0 || seqLess(ack, end)) return;
  const isMended = tcb.tailProbeIsRepeat && duplicateEnd !== end && seqLess(end, ack);
  // An acknowledgment of just the end may be the answer to the first copy: its duplicate is still to come.
  if (tcb.tailProbeIsRepeat && ack === end && duplicateEnd !== end && !isBare) return;
  tcb.tailProbeEnd = -1;
  if (isMended) tcb.congestion!.onLoss(Math.max(seqDiff(tcb.sndNxt, tcb.sndUna), tcb.sndMss));
}

/**
 * What a deadline means (RFC 6298, section 5; RFC 9293, section 3.8.6.1; RFC 1122, section 4.2.3.5).
 *
 * @module
 */

import {
  BLACK_HOLE_TIMEOUTS,
  MAX_RTO_MS,
  SYN_RECEIVED_TIMEOUT_MS,
  SYN_SENT_TIMEOUT_MS,
  USER_TIMEOUT_MS,
} from "./constants.ts";
import { expireKeepAlive } from "./keep_alive.ts";
import { leaveBlackHole } from "./path_mtu.ts";
import { detectLoss, recoverFromTimeout } from "./recovery.ts";
import { abort, type Tcb } from "./tcb.ts";
import type { TimerName } from "./timers.ts";

/** Acts on one expired timer. */
export function expire(tcb: Tcb, timer: TimerName, now: number): void {
  if (timer === "timeWait") abort(tcb, "finished", false);
  else if (timer === "finWait2") abort(tcb, "timeout", true);
  else if (timer === "persist") probe(tcb, now);
  else if (timer === "keepAlive") expireKeepAlive(tcb, now);
  else if (timer === "reorder") detectLoss(tcb, now);
  else if (timer === "tailProbe") probeTail(tcb, now);
  else if (tcb.state === "SYN-RECEIVED" || tcb.state === "SYN-SENT") repeatSyn(tcb, now);
  else retransmit(tcb, now);
}

function repeatSyn(tcb: Tcb, now: number): void {
  const limit = tcb.state === "SYN-SENT" ? SYN_SENT_TIMEOUT_MS : SYN_RECEIVED_TIMEOUT_MS;
  if (now - tcb.openedAt >= limit) return abort(tcb, "timeout", true);
  tcb.rtt.backOff();
  tcb.synPending = true;
}

function probeTail(tcb: Tcb, now: number): void {
  tcb.tailProbePending = true;
  // Where the retransmission is due at the same time, the probe goes in its place.
  tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
}

function probe(tcb: Tcb, now: number): void {
  const hasMore = tcb.sendQueue.length > 0 || (tcb.closing && !tcb.finAcked);
  if (!hasMore || hasGivenUp(tcb, now)) return;
  tcb.probes++;
  tcb.probePending = true;
  tcb.timers.set("persist", now + Math.min(tcb.rtt.rtoMs * 2 ** tcb.probes, MAX_RTO_MS));
}

function retransmit(tcb: Tcb, now: number): void {
  if (hasGivenUp(tcb, now)) return;
  if (++tcb.timeouts === BLACK_HOLE_TIMEOUTS) leaveBlackHole(tcb);
  recoverFromTimeout(tcb, now);
  tcb.rtt.backOff();
  tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
}

/** Nothing is dropped silently: a peer that does not answer for this long is reset. */
function hasGivenUp(tcb: Tcb, now: number): boolean {
  if (tcb.silentSince < 0) tcb.silentSince = now;
  if (now - tcb.silentSince < (tcb.config.userTimeoutMs ?? USER_TIMEOUT_MS)) return false;
  abort(tcb, "timeout", true);
  return true;
}

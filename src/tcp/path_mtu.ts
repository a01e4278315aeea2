/**
 * A path that takes less than was thought, whether it says so (RFC 1191, section 6.5; RFC 8201, section 5.4) or not (RFC 4821).
 *
 * @module
 */

import { seqDiff, seqLess, seqLessEqual } from "../wire/seq.ts";
import type { Tcb } from "./tcb.ts";

/** Whether `seq` was sent and is not acknowledged: only about that may ICMP speak (RFC 5927, section 4.1). */
export function isInFlight(tcb: Tcb, seq: number): boolean {
  return seqLessEqual(tcb.sndUna, seq) && seqLess(seq, tcb.sndNxt);
}

/**
 * Nothing is answered any more, though the short segments of the handshake were: a router may swallow full ones, and its word about that be
 * filtered. What every path takes is tried then (RFC 4821, section 7.7), and kept: a flow in an outage pays a few headers more for it.
 */
export function leaveBlackHole(tcb: Tcb): void {
  const least = tcb.config.defaultPeerMss;
  if (tcb.sndWnd > 0 && seqDiff(tcb.sndNxt, tcb.sndUna) > least) limitMss(tcb, least);
}

/**
 * Makes full segments smaller. What is in flight was too long to arrive and goes again at once; that is no sign of congestion, so the window
 * stays. False when segments were no longer before.
 */
export function limitMss(tcb: Tcb, mss: number): boolean {
  if (mss >= tcb.sndMss) return false;
  tcb.sndMss = mss;
  if (tcb.congestion === undefined || tcb.sndUna === tcb.sndNxt) return true;
  // A probe has a timer of its own, which sends less the next time.
  if (tcb.timers.isSet("persist")) return true;
  tcb.flight.lose(tcb.sndUna, tcb.sndNxt);
  return true;
}

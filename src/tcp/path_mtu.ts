/**
 * A path that takes less than was thought (RFC 1191, section 6.5; RFC 8201, section 5.4).
 *
 * @module
 */

import { seqLess, seqLessEqual } from "../wire/seq.ts";
import type { Tcb } from "./tcb.ts";

/** Whether `seq` was sent and is not acknowledged: only about that may ICMP speak (RFC 5927, section 4.1). */
export function isInFlight(tcb: Tcb, seq: number): boolean {
  return seqLessEqual(tcb.sndUna, seq) && seqLess(seq, tcb.sndNxt);
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

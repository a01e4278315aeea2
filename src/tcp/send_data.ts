/**
 * Data on its way out: what was lost, what is new, and the probes of a closed window and of a lost tail
 * (RFC 9293, section 3.8.6; RFC 5681; RFC 6675, section 5).
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess } from "../wire/seq.ts";
import { ACK, FIN, PSH } from "../wire/tcp.ts";
import { fill, largestPayload, payloadPerSegment, wholeSegments } from "./fill.ts";
import { flightBytes } from "./recovery.ts";
import { armTailProbe } from "./tail_probe.ts";
import { changeState, dataEnd, type OutSegment, type Tcb } from "./tcb.ts";

/**
 * One byte, or the FIN, beyond a closed window: the answer tells whether it is still closed (RFC 9293, section 3.8.6.1).
 * A window that is merely small is filled (section 3.8.6.2.1: the override timeout).
 */
export function emitProbe(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.probePending = false;
  const unacked = tcb.sendQueue.length + (tcb.closing ? 1 : 0);
  const count = Math.min(tcb.sndWnd, unacked, payloadPerSegment(tcb));
  sendRange(tcb, out, tcb.sndUna, Math.max(count, 1), now);
  tcb.timers.stop("retransmit");
  return true;
}

/** What counts as lost leaves again, as far as the congestion window lets it. */
export function emitLost(tcb: Tcb, out: OutSegment, now: number): boolean {
  const from = tcb.flight.lostFrom();
  const hole = seqDiff(tcb.flight.lostEnd(), from);
  const room = tcb.congestion!.windowBytes - flightBytes(tcb);
  const size = payloadPerSegment(tcb);
  let length = Math.min(hole, Math.max(wholeSegments(room, size), size));
  if (room < Math.min(hole, size)) {
    if (!tcb.forceRetransmit) {
      tcb.windowWasLimit = true;
      return false;
    }
    length = Math.min(hole, size);
  }
  tcb.forceRetransmit = false;
  tcb.timedAt = -1;
  sendRange(tcb, out, from, Math.min(length, largestPayload(tcb, size)), now);
  tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  return true;
}

/** What has never left, as far as both windows let it. */
export function emitNew(tcb: Tcb, out: OutSegment, now: number): boolean {
  const unsent = seqDiff(dataEnd(tcb), tcb.sndNxt) + (tcb.closing ? 1 : 0);
  if (unsent <= 0 || tcb.finSent) return false;
  const size = payloadPerSegment(tcb);
  const inFlight = flightBytes(tcb);
  if (inFlight === 0 && now - tcb.lastSentAt > tcb.rtt.rtoMs) tcb.congestion!.onIdle();
  const congestionRoom = tcb.congestion!.windowBytes - inFlight;
  const windowRoom = tcb.sndWnd - seqDiff(tcb.sndNxt, tcb.sndUna);
  tcb.windowWasLimit = congestionRoom < Math.min(unsent, windowRoom);
  let length = Math.min(unsent, windowRoom, congestionRoom, largestPayload(tcb, size));
  if (length < unsent) length = length >= size ? wholeSegments(length, size) : length;
  if (!isWorthSending(tcb, length, unsent, size)) {
    const isStuck = tcb.sndUna === tcb.sndNxt && windowRoom < Math.min(unsent, size);
    if (isStuck && !tcb.timers.isSet("persist")) tcb.timers.set("persist", now + tcb.rtt.rtoMs);
    return false;
  }
  tcb.timers.stop("persist");
  if (tcb.timedAt < 0 && tcb.recovery === "none") {
    tcb.timedAt = now;
    tcb.timedSeq = seqAdd(tcb.sndNxt, length);
  }
  tcb.lastSentAt = now;
  sendRange(tcb, out, tcb.sndNxt, length, now);
  if (!tcb.timers.isSet("retransmit")) tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  armTailProbe(tcb, now);
  return true;
}

/** RFC 8985, section 7.3: one new segment where there is one, or else the last one again, whatever the congestion window says. */
export function emitTailProbe(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.tailProbePending = false;
  if (tcb.sndUna === tcb.sndNxt || tcb.recovery !== "none") return false;
  const size = payloadPerSegment(tcb);
  const unsent = tcb.finSent ? 0 : seqDiff(dataEnd(tcb), tcb.sndNxt) + (tcb.closing ? 1 : 0);
  const outstanding = seqDiff(tcb.sndNxt, tcb.sndUna);
  const fresh = Math.min(unsent, size);
  const isRepeat = fresh <= 0 || tcb.sndWnd - outstanding < fresh;
  const length = isRepeat ? Math.min(outstanding, size) : fresh;
  tcb.timedAt = -1;
  sendRange(tcb, out, isRepeat ? seqAdd(tcb.sndNxt, -length) : tcb.sndNxt, length, now);
  tcb.tailProbeEnd = tcb.sndNxt;
  tcb.tailProbeIsRepeat = isRepeat;
  return true;
}

/** SWS avoidance of the sender (RFC 9293, section 3.8.6.2.1), without Nagle: the far side's writes are passed on as they come. */
function isWorthSending(tcb: Tcb, length: number, unsent: number, size: number): boolean {
  return length > 0 && (length === unsent || length >= size || length >= tcb.maxSndWnd / 2);
}

/** Sends the numbers `from..from + count`, where the one behind the last byte is the FIN. */
function sendRange(tcb: Tcb, out: OutSegment, from: number, count: number, now: number): void {
  const end = dataEnd(tcb);
  const payload = Math.min(seqDiff(end, from), count);
  const withFin = payload < count;
  let flags = ACK;
  if (withFin) flags |= FIN;
  if (payload > 0 && seqAdd(from, payload) === end) flags |= PSH;
  if (withFin && !tcb.finSent) {
    tcb.finSent = true;
    changeState(tcb, tcb.state === "CLOSE-WAIT" ? "LAST-ACK" : "FIN-WAIT-1");
  }
  fill(tcb, out, flags, from, seqDiff(from, tcb.sndUna), payload, now);
  recordRange(tcb, from, seqAdd(from, count), now);
}

function recordRange(tcb: Tcb, from: number, stop: number, now: number): void {
  if (seqLess(from, tcb.sndNxt)) {
    const end = seqLess(stop, tcb.sndNxt) ? stop : tcb.sndNxt;
    tcb.flight.repeat(from, end, now);
    tcb.repeatedBytes += seqDiff(end, from);
    if (tcb.repeatedAt === Infinity) {
      tcb.repeatedAt = now;
      tcb.repeatedEnd = end;
    }
  }
  if (!seqLess(tcb.sndNxt, stop)) return;
  tcb.sndNxt = stop;
  tcb.flight.send(stop, now);
}

/**
 * Which segment leaves next: reset, SYN, what was lost, what is new, and at last a bare ACK, so that one ACK stands
 * for a whole batch (RFC 9293, section 3.8.4).
 *
 * @module
 */

import { seqAdd } from "../wire/seq.ts";
import { ACK, RST, SYN } from "../wire/tcp.ts";
import { clearOptions } from "../wire/tcp_options.ts";
import { RECEIVE_WINDOW_SHIFT } from "./constants.ts";
import { fill, writeTimestamps } from "./fill.ts";
import { emitLost, emitNew, emitProbe, emitTailProbe } from "./send_data.ts";
import { canSend } from "./states.ts";
import { type OutSegment, spaceFor, type Tcb, timestampNow } from "./tcb.ts";

/** Fills in the next segment; false when nothing is to be sent. */
export function pollSegment(tcb: Tcb, out: OutSegment, now: number): boolean {
  if (tcb.resetPending) return emitReset(tcb, out, now);
  if (tcb.synPending) return emitSyn(tcb, out, now);
  if (tcb.state === "CLOSED" || tcb.state === "HELD" || tcb.state === "SYN-SENT") return false;
  const reportsDuplicate = tcb.ackPending && tcb.duplicateFrom !== tcb.duplicateTo;
  // A duplicate is reported by an ACK of its own: one that rode on a super-packet would be told for each piece of it.
  if (canSend(tcb.state) && !reportsDuplicate) {
    if (tcb.probePending) return emitProbe(tcb, out, now);
    if (tcb.tailProbePending && emitTailProbe(tcb, out, now)) return true;
    // What is lost and finds no room goes before what is new.
    if (tcb.flight.lostBytes > 0 ? emitLost(tcb, out, now) : emitNew(tcb, out, now)) return true;
  }
  if (tcb.keepAlivePending) return emitKeepAlive(tcb, out, now);
  if (!tcb.ackPending) return false;
  fill(tcb, out, ACK, tcb.sndNxt, 0, 0, now);
  return true;
}

/** A number that the peer has acknowledged long ago, which it answers with an ACK (RFC 9293, section 3.8.4). */
function emitKeepAlive(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.keepAlivePending = false;
  fill(tcb, out, ACK, seqAdd(tcb.sndNxt, -1), 0, 0, now);
  return true;
}

function emitReset(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.resetPending = false;
  clearOptions(out.options);
  if (tcb.timestamps) writeTimestamps(tcb, out.options, now);
  out.seq = tcb.sndNxt;
  out.ack = tcb.rcvNxt;
  out.flags = RST | ACK;
  out.window = 0;
  out.payloadOffset = out.payloadLength = out.segmentSize = 0;
  return true;
}

function emitSyn(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.synPending = false;
  const { options } = out;
  const isActive = tcb.state === "SYN-SENT";
  clearOptions(options);
  options.mss = tcb.config.mss;
  if (isActive || tcb.rcvShift > 0) options.windowShift = RECEIVE_WINDOW_SHIFT;
  options.sackPermitted = isActive || tcb.sackPermitted;
  options.hasTimestamps = isActive || tcb.timestamps;
  options.timestampValue = timestampNow(tcb, now);
  options.timestampEcho = isActive ? 0 : tcb.tsRecent;
  out.seq = tcb.iss;
  out.ack = isActive ? 0 : tcb.rcvNxt;
  out.flags = isActive ? SYN : SYN | ACK;
  out.window = Math.min(Math.floor(spaceFor(tcb, tcb.receiveSize)), 0xffff);
  out.payloadOffset = out.payloadLength = out.segmentSize = 0;
  tcb.rcvEdge = seqAdd(tcb.rcvNxt, out.window);
  tcb.ackPending = false;
  const isFirst = tcb.sndNxt === tcb.iss;
  // The time on hold does not count against the handshake.
  if (isFirst) tcb.openedAt = now;
  // Karn: only the first SYN is timed.
  tcb.timedAt = isFirst ? now : -1;
  tcb.sndNxt = seqAdd(tcb.iss, 1);
  tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  return true;
}

/**
 * Which segment leaves next: reset, SYN, what was lost, what is new, and at last a bare ACK, so that one ACK stands
 * for a whole batch (RFC 9293, sections 3.8.4 and 3.8.6; RFC 6675, section 5).
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess } from "../wire/seq.ts";
import { ACK, FIN, PSH, RST, SYN } from "../wire/tcp.ts";
import { clearOptions, MAX_SACK_BLOCKS, type TcpOptions } from "../wire/tcp_options.ts";
import { flightBytes } from "./ack.ts";
import { RECEIVE_WINDOW_SHIFT } from "./constants.ts";
import { canSend } from "./states.ts";
import {
  changeState,
  dataEnd,
  type OutSegment,
  receiveEdge,
  type Tcb,
  timestampNow,
} from "./tcb.ts";

/** Fills in the next segment; false when nothing is to be sent. */
export function pollSegment(tcb: Tcb, out: OutSegment, now: number): boolean {
  if (tcb.resetPending) return emitReset(tcb, out, now);
  if (tcb.synPending) return emitSyn(tcb, out, now);
  if (tcb.state === "CLOSED" || tcb.state === "HELD" || tcb.state === "SYN-SENT") return false;
  if (canSend(tcb.state)) {
    if (tcb.probePending) return emitProbe(tcb, out, now);
    if (seqLess(tcb.rexmitNxt, tcb.lostEdge) && emitLost(tcb, out, now)) return true;
    // What is lost and finds no room goes before what is new.
    if (!seqLess(tcb.rexmitNxt, tcb.lostEdge) && emitNew(tcb, out, now)) return true;
  }
  if (!tcb.ackPending) return false;
  fill(tcb, out, ACK, tcb.sndNxt, 0, 0, now);
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
  out.seq = tcb.config.iss;
  out.ack = isActive ? 0 : tcb.rcvNxt;
  out.flags = isActive ? SYN : SYN | ACK;
  out.window = Math.min(tcb.config.receiveBufferBytes, 0xffff);
  out.payloadOffset = out.payloadLength = out.segmentSize = 0;
  tcb.rcvEdge = seqAdd(tcb.rcvNxt, out.window);
  tcb.ackPending = false;
  const isFirst = tcb.sndNxt === tcb.config.iss;
  // The time on hold does not count against the handshake.
  if (isFirst) tcb.openedAt = now;
  // Karn: only the first SYN is timed.
  tcb.timedAt = isFirst ? now : -1;
  tcb.sndNxt = seqAdd(tcb.config.iss, 1);
  tcb.timers.set("retransmit", now + tcb.rtt.rtoMs);
  return true;
}

/**
 * One byte, or the FIN, beyond a closed window: the answer tells whether it is still closed (RFC 9293, section 3.8.6.1).
 * A window that is merely small is filled (section 3.8.6.2.1: the override timeout).
 */
function emitProbe(tcb: Tcb, out: OutSegment, now: number): boolean {
  tcb.probePending = false;
  const unacked = tcb.sendQueue.length + (tcb.closing ? 1 : 0);
  const count = Math.min(tcb.sndWnd, unacked, payloadPerSegment(tcb));
  sendRange(tcb, out, tcb.sndUna, Math.max(count, 1), now);
  tcb.timers.stop("retransmit");
  return true;
}

function emitLost(tcb: Tcb, out: OutSegment, now: number): boolean {
  const from = tcb.scoreboard.skip(tcb.rexmitNxt);
  if (!seqLess(from, tcb.lostEdge)) {
    tcb.rexmitNxt = tcb.lostEdge;
    return false;
  }
  tcb.rexmitNxt = from;
  const hole = seqDiff(tcb.scoreboard.holeEnd(from, tcb.lostEdge), from);
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

function emitNew(tcb: Tcb, out: OutSegment, now: number): boolean {
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
  const stop = seqAdd(from, count);
  if (seqLess(tcb.sndNxt, stop)) tcb.sndNxt = stop;
  if (from === tcb.rexmitNxt) tcb.rexmitNxt = stop;
}

function fill(
  tcb: Tcb,
  out: OutSegment,
  flags: number,
  seq: number,
  offset: number,
  length: number,
  now: number,
): void {
  const { options } = out;
  clearOptions(options);
  if (tcb.timestamps) writeTimestamps(tcb, options, now);
  if (tcb.sackPermitted && tcb.assembler.length > 0) {
    options.sackCount = tcb.assembler.blocks(options.sackEdges, sackLimit(tcb));
  }
  out.seq = seq;
  out.ack = tcb.rcvNxt;
  out.flags = flags;
  out.window = advertise(tcb);
  out.payloadOffset = offset;
  out.payloadLength = length;
  const size = payloadPerSegment(tcb);
  out.segmentSize = length > size ? size : 0;
  tcb.ackPending = false;
  tcb.lastAckSent = tcb.rcvNxt;
}

function writeTimestamps(tcb: Tcb, options: TcpOptions, now: number): void {
  options.hasTimestamps = true;
  options.timestampValue = timestampNow(tcb, now);
  options.timestampEcho = tcb.tsRecent;
}

/** The window field; what it promises is kept (RFC 9293, section 3.8.6: never shrink). */
function advertise(tcb: Tcb): number {
  const open = seqDiff(receiveEdge(tcb), tcb.rcvNxt);
  const field = Math.min(open >>> tcb.rcvShift, 0xffff);
  const edge = seqAdd(tcb.rcvNxt, field << tcb.rcvShift);
  if (seqLess(tcb.rcvEdge, edge)) tcb.rcvEdge = edge;
  return field;
}

function sackLimit(tcb: Tcb): number {
  return tcb.timestamps ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS;
}

/** What one full segment carries: the MSS less the options that every segment brings along (RFC 6691). */
function payloadPerSegment(tcb: Tcb): number {
  let size = tcb.sndMss;
  if (tcb.timestamps) size -= 12;
  // Four bytes and eight a block; the most there can be, so that the size is one for the whole super-packet.
  if (tcb.sackPermitted && tcb.assembler.length > 0) size -= 4 + 8 * sackLimit(tcb);
  return size;
}

function largestPayload(tcb: Tcb, size: number): number {
  return Math.max(wholeSegments(tcb.config.maxPayloadBytes, size), size);
}

function wholeSegments(bytes: number, size: number): number {
  return Math.floor(bytes / size) * size;
}

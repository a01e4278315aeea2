/**
 * From the first SYN to ESTABLISHED (RFC 9293, sections 3.5 and 3.10.7.1 to 3.10.7.3).
 *
 * @module
 */

import { seqAdd, seqLess, seqLessEqual } from "../wire/seq.ts";
import { ACK, RST, type Segment, SYN } from "../wire/tcp.ts";
import { MIN_PEER_MSS, RECEIVE_WINDOW_SHIFT } from "./constants.ts";
import { startKeepAlive } from "./keep_alive.ts";
import { newCongestion } from "./settings.ts";
import { abort, changeState, OPENED, type Tcb, wakeReader, wakeWriter } from "./tcb.ts";
import type { DropReason } from "../wire/ip.ts";

/** Takes the peer's SYN: its number, and which options both sides will use. */
export function takeSyn(tcb: Tcb, segment: Segment, now: number): void {
  const { options } = segment;
  tcb.irs = segment.seq;
  tcb.rcvNxt = tcb.rcvEdge = tcb.lastAckSent = seqAdd(segment.seq, 1);
  const peerMss = options.mss > 0 ? options.mss : tcb.config.defaultPeerMss;
  tcb.sndMss = Math.min(Math.max(peerMss, MIN_PEER_MSS), tcb.config.mss);
  if (options.windowShift >= 0) {
    tcb.sndShift = options.windowShift;
    tcb.rcvShift = RECEIVE_WINDOW_SHIFT;
  }
  tcb.sackPermitted = options.sackPermitted;
  tcb.timestamps = options.hasTimestamps;
  tcb.tsRecent = options.timestampValue;
  tcb.tsRecentAt = now;
  // The window of a SYN is never scaled (RFC 7323, section 2.2).
  tcb.sndWnd = tcb.maxSndWnd = segment.window;
  tcb.sndWl1 = segment.seq;
}

/** HELD: the SYN waits for its answer, so all that matters is whether the program gave up. */
export function arriveHeld(tcb: Tcb, segment: Segment): DropReason | undefined {
  if ((segment.flags & RST) !== 0) {
    // The program knows nothing of us but its own SYN: a reset right behind it is its own (RFC 5961, section 3.2).
    if (segment.seq !== tcb.rcvNxt && segment.seq !== tcb.irs) return "tcp-reset-out-of-window";
    abort(tcb, "reset", false);
    return undefined;
  }
  return (segment.flags & SYN) !== 0 ? "tcp-syn-while-held" : "tcp-segment-while-held";
}

/** The drop reason of an ACK in the midst of a handshake that acknowledges something else: the stack answers it as a stranger's. */
export const HANDSHAKE_ACK_UNACCEPTABLE = "tcp-handshake-ack-unacceptable";

/** SYN-SENT: RFC 9293, section 3.10.7.3. */
export function arriveSynSent(tcb: Tcb, segment: Segment, now: number): DropReason | undefined {
  const hasAck = (segment.flags & ACK) !== 0;
  const ackIsGood = hasAck && seqLess(tcb.iss, segment.ack) &&
    seqLessEqual(segment.ack, tcb.sndNxt);
  if ((segment.flags & RST) !== 0) {
    if (!ackIsGood) return "tcp-reset-out-of-window";
    abort(tcb, "reset", false);
    return undefined;
  }
  if (hasAck && !ackIsGood) return HANDSHAKE_ACK_UNACCEPTABLE;
  if ((segment.flags & SYN) === 0) return "tcp-no-syn";
  takeSyn(tcb, segment, now);
  if (!hasAck) {
    changeState(tcb, "SYN-RECEIVED");
    tcb.synPending = true;
    return undefined;
  }
  establish(tcb, segment.ack, now);
  tcb.ackPending = true;
  return undefined;
}

/** SYN-RECEIVED: an acceptable ACK completes the handshake. False when it is not acceptable and wants a RST. */
export function completeHandshake(tcb: Tcb, segment: Segment, now: number): boolean {
  if (!seqLess(tcb.sndUna, segment.ack) || !seqLessEqual(segment.ack, tcb.sndNxt)) return false;
  establish(tcb, seqAdd(tcb.iss, 1), now);
  tcb.sndWnd = segment.window << tcb.sndShift;
  tcb.sndWl1 = segment.seq;
  return true;
}

/** Whether a segment is the SYN that led to SYN-RECEIVED, once more. */
export function isSynAgain(tcb: Tcb, { flags, seq }: Segment): boolean {
  return tcb.state === "SYN-RECEIVED" && (flags & (SYN | RST)) === SYN && seq === tcb.irs;
}

/** SYN-RECEIVED: without an ACK our answer was lost; with one both sides called at once (RFC 9293, section 3.5, figure 7). */
export function arriveSynAgain(tcb: Tcb, segment: Segment, now: number): DropReason | undefined {
  if ((segment.flags & ACK) === 0) {
    tcb.synPending = true;
    return "tcp-syn-again";
  }
  if (!completeHandshake(tcb, segment, now)) return HANDSHAKE_ACK_UNACCEPTABLE;
  tcb.sndWnd = segment.window;
  tcb.ackPending = true;
  return undefined;
}

function establish(tcb: Tcb, una: number, now: number): void {
  if (tcb.timedAt >= 0) tcb.rtt.sample(now - tcb.timedAt);
  tcb.rtt.endHandshake();
  changeState(tcb, "ESTABLISHED");
  tcb.sndUna = una;
  tcb.flight.restart(una);
  tcb.rack.restart(una);
  startKeepAlive(tcb, now);
  tcb.timedAt = -1;
  tcb.silentSince = -1;
  tcb.synPending = false;
  tcb.timers.stop("retransmit");
  tcb.congestion = newCongestion(tcb.config.congestion ?? "cubic", tcb.sndMss);
  tcb.events |= OPENED;
  wakeReader(tcb);
  wakeWriter(tcb);
}

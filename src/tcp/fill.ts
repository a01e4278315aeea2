/**
 * The fields that every segment carries, whatever it is sent for: acknowledgment, window, timestamps, SACK blocks.
 *
 * @module
 */

import { seqAdd, seqDiff, seqLess } from "../wire/seq.ts";
import { clearOptions, MAX_SACK_BLOCKS, type TcpOptions } from "../wire/tcp_options.ts";
import { type OutSegment, receiveEdge, type Tcb, timestampNow } from "./tcb.ts";

/** Fills in a segment with the options, the acknowledgment and the window of this moment. */
export function fill(
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
  if (tcb.sackPermitted) fillSack(tcb, options, length);
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

/** The clock of this side, and the latest of the peer's. */
export function writeTimestamps(tcb: Tcb, options: TcpOptions, now: number): void {
  options.hasTimestamps = true;
  options.timestampValue = timestampNow(tcb, now);
  options.timestampEcho = tcb.tsRecent;
}

/** Blocks of what waits, behind the one of the latest duplicate (RFC 2883, section 4), which only a bare ACK reports: once. */
function fillSack(tcb: Tcb, options: TcpOptions, payloadLength: number): void {
  const { sackEdges } = options;
  const limit = sackLimit(tcb);
  const hasDuplicate = payloadLength === 0 && tcb.duplicateFrom !== tcb.duplicateTo;
  if (tcb.assembler.length > 0) {
    options.sackCount = tcb.assembler.blocks(sackEdges, hasDuplicate ? limit - 1 : limit);
  }
  if (!hasDuplicate) return;
  sackEdges.copyWithin(2, 0, 2 * options.sackCount);
  sackEdges[0] = tcb.duplicateFrom;
  sackEdges[1] = tcb.duplicateTo;
  options.sackCount++;
  tcb.duplicateTo = tcb.duplicateFrom;
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
export function payloadPerSegment(tcb: Tcb): number {
  let size = tcb.sndMss;
  if (tcb.timestamps) size -= 12;
  // Four bytes and eight a block; the most there can be, so that the size is one for the whole super-packet.
  if (tcb.sackPermitted && tcb.assembler.length > 0) size -= 4 + 8 * sackLimit(tcb);
  return size;
}

/** The largest payload of one emission, in whole segments. */
export function largestPayload(tcb: Tcb, size: number): number {
  return Math.max(wholeSegments(tcb.config.maxPayloadBytes, size), size);
}

/** Rounds down to whole segments. */
export function wholeSegments(bytes: number, size: number): number {
  return Math.floor(bytes / size) * size;
}

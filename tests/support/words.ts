/**
 * The short words in which a timed script speaks of the stack's packets.
 *
 * @module
 */

import type { NaiveSegment } from "./naive_packet.ts";

/** `FA 101+20 ack 1 win 500 mss 1460`: flags, relative number and length, and what is not as usual. */
export function words(
  segment: NaiveSegment,
  seq: number,
  programIss: number,
  timestampBase: number,
): string {
  const { flags, ack, window, mss, scale, sackOk, timestamps, sack, payload, gsoSize } = segment;
  let line = `${flags} ${seq}`;
  if (payload.length > 0) line += `+${payload.length}`;
  if (gsoSize !== undefined) line += `/${gsoSize}`;
  if (flags.includes("A")) line += ` ack ${(ack - programIss) | 0}`;
  // The window that is not scaled and has all the room there is goes without saying; a reset has none.
  if (window !== (flags.includes("R") ? 0 : 65_535)) line += ` win ${window}`;
  if (mss !== undefined) line += ` mss ${mss}`;
  if (scale !== undefined) line += ` scale ${scale}`;
  if (sackOk) line += " sackOk";
  if (timestamps) line += ` ts ${(timestamps[0] - timestampBase) >>> 0}/${timestamps[1]}`;
  if (sack) {
    line += ` sack ${sack.map((block) => block.map((n) => (n - programIss) | 0).join("-"))}`;
  }
  return line;
}

/** `ICMP 3/1`: type and code. */
export function icmpLine(packet: Uint8Array): string {
  const at = packet[0] >>> 4 === 4 ? 20 : 40;
  return `ICMP ${packet[at]}/${packet[at + 1]}`;
}

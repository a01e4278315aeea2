/**
 * What the options of TCP ask for: window scale and timestamps (RFC 7323), SACK (RFC 2018, 2883, 6675), MSS (RFC 6691).
 *
 * @module
 */

import { met, type Row } from "./table.ts";

export const RFC7323: readonly Row[] = [
  met(
    "2.2 scale",
    "Windows are scaled when both SYNs say so, and never in a SYN",
    ["tcp/handshake.ts takeSyn arriveSynAgain", "tcp/transmit.ts emitSyn", "tcp/fill.ts advertise"],
    [
      "options are answered only when they were offered",
      "the window of a SYN is not scaled, that of every other segment is",
      "the own window is scaled by eight bits when the program scales too",
    ],
  ),
  met(
    "2.2 late",
    "A window scale outside of a SYN is ignored",
    "tcp/handshake.ts takeSyn",
    "RFC 9293 MUST-5: an option may stand in any segment, and those of a SYN mean nothing elsewhere",
  ),
  met(
    "2.3 shift",
    "A shift above 14 is taken as 14",
    "wire/tcp_options.ts MAX_WINDOW_SHIFT",
    "a shift above 14 is taken as 14",
  ),
  met(
    "2.4 retraction",
    "What lies in any window that was ever promised is taken, however the scale rounds the next one down",
    "tcp/fill.ts advertise",
    [
      "RFC 7323 2.4: what a scaled window promised is taken, though rounding down has moved its end",
      "the window is never taken back",
    ],
  ),
  met(
    "3.2 every",
    "With timestamps agreed on, every segment but a RST has them",
    "tcp/fill.ts fill",
    "RFC 7323 3.2: with timestamps agreed on every kind of segment has them, RSTs too",
  ),
  met(
    "3.2 RST",
    "A RST should have them, too",
    "tcp/transmit.ts emitReset",
    "RFC 7323 3.2: with timestamps agreed on every kind of segment has them, RSTs too",
    "RSTs to segments of no flow have none: nothing is known of it",
  ),
  met(
    "3.2 missing",
    "A segment that lacks them is dropped without a word, unless it is a RST",
    "tcp/receive.ts checkTimestamp",
    [
      "a segment without the timestamps that were agreed on is dropped (RFC 7323, section 3.2)",
      "PAWS does not hold up a RST",
    ],
  ),
  met(
    "4.1 RTTM",
    "A timestamp gives a measure only where new data is acknowledged",
    "tcp/ack.ts measure",
    "RFC 7323 4.1: an ACK of nothing new measures nothing, whatever its timestamps say",
  ),
  met(
    "4.3 echo",
    "The echo is of the segment that the ACK answers: TS.Recent moves with Last.ACK.sent",
    "tcp/receive.ts takeTimestamp",
    "timestamps are echoed from the segment that the ACK answers",
  ),
  met(
    "5.3 R1",
    "An older timestamp makes a segment an old duplicate, which gets an ACK",
    "tcp/receive.ts checkTimestamp",
    "an old timestamp betrays an old duplicate (PAWS)",
  ),
  met(
    "5.2 RST",
    "PAWS does not judge RSTs",
    "tcp/receive.ts checkTimestamp",
    "PAWS does not hold up a RST",
  ),
  met(
    "5.2 wrap",
    "Timestamps are compared on the circle",
    "tcp/receive.ts checkTimestamp",
    [
      "the program's timestamps pass through zero in mid-transfer",
      "our own timestamps pass through zero in mid-transfer",
    ],
  ),
  met(
    "5.4 clock",
    "The clock ticks between once a millisecond and once a second, shifted by connection",
    ["tcp/tcb.ts timestampNow", "tcp/isn.ts timestampOffset"],
    [
      "RFC 7323 5.4: timestamps tick with the milliseconds, from another start in each flow",
      "an initial number ticks every 4 microseconds, and the timestamp offset does not move",
    ],
  ),
  met(
    "5.5 24 days",
    "After 24 days of silence TS.Recent proves nothing",
    "tcp/receive.ts checkTimestamp",
    "after 24 days of silence any timestamp is good, and is the new one",
  ),
];

export const SACK: readonly Row[] = [
  met(
    "2018 2",
    "SACK is spoken only when both SYNs permitted it",
    ["tcp/handshake.ts takeSyn", "tcp/fill.ts fill"],
    [
      "options are answered only when they were offered",
      "without SACK the same segments are kept and not reported",
    ],
  ),
  met(
    "2018 4 first",
    "The first block holds the segment that the ACK answers",
    "tcp/assembler.ts blocks",
    "segments out of order are kept, and reported latest first",
  ),
  met(
    "2018 4 most",
    "As many blocks as fit are sent: four, three beside timestamps",
    "tcp/fill.ts sackLimit",
    "a segment has room for four SACK blocks, three beside timestamps",
  ),
  met(
    "2018 4 every",
    "Every ACK that leaves a gap has SACK, also when it rides on data",
    "tcp/fill.ts fill",
    "RFC 2018 4: SACK rides on data and on the FIN, and shrinks their payload to fit",
  ),
  met(
    "2018 5",
    "What was reported is not sent again, the holes are",
    ["tcp/send_data.ts emitLost", "tcp/flight.ts report"],
    [
      "with SACK only the holes go again",
      "a flight is a map with an entry for each number (seed 1)",
    ],
  ),
  met(
    "2018 8",
    "What was reported may be taken back: it stays queued until it is acknowledged",
    "tcp/recovery.ts recoverFromTimeout",
    "a program that takes back what it reported gets it again after the second timeout",
    "RFC 2018 forgets reports at the first timeout, RFC 6675, section 5.1, lets them stand; here they fall with the second",
  ),
  met(
    "2883 4",
    "What comes twice is reported once, in the first block, and what holds it in the next",
    ["tcp/fill.ts fillSack", "tcp/receive.ts noteDuplicate keepForLater"],
    [
      "a segment that came before is reported once, below the ACK (RFC 2883, section 4.1)",
      "only the part that came before is reported",
      "a duplicate of what waits out of order comes first, and the block that holds it next (section 4.1.2)",
    ],
    "In an ACK of its own, and for the last duplicate of a batch",
  ),
  met(
    "2883 sender",
    "A report of a duplicate is no hole; when it covers all of a recovery, the window comes back",
    ["tcp/ack.ts takeDuplicateReport", "tcp/recovery.ts takeDuplicate"],
    [
      "a recovery that was none gives the window back: all of it was reported as duplicates",
      "a D-SACK widens the reordering window by a quarter, once a round trip",
    ],
  ),
  met(
    "6675 2",
    "A duplicate ACK is one that reports something new",
    "tcp/ack.ts isDuplicate",
    "RFC 6675 2: an ACK that reports nothing new counts for nothing, however often it comes",
  ),
  met(
    "6675 4 IsLost",
    "Lost is what enough was reported above. By time (RFC 8985), and at once when more than two segments or three ACKs reported it",
    "tcp/recovery.ts lossDelay",
    [
      "with SACK only the holes go again",
      "three reports of small segments are a loss, though they are not three full segments",
      "with three segments reported there is no waiting",
    ],
  ),
  met(
    "6675 4 pipe",
    "On its way is what was sent and neither reported nor lost",
    "tcp/recovery.ts flightBytes",
    "a loss halves the congestion window of NewReno",
  ),
  met(
    "6675 5",
    "In recovery holes go first, then what is new, as far as the window allows",
    "tcp/transmit.ts pollSegment",
    "a loss halves the congestion window of NewReno",
  ),
];

export const RFC6691: readonly Row[] = [
  met(
    "2 offer",
    "The MSS that is sent counts no options",
    "stack/new_entry.ts newEntry",
    [
      "options are answered only when they were offered",
      "a SYN over IPv6 is answered with the MSS that its longer header leaves",
    ],
  ),
  met(
    "2 use",
    "The data of each segment shrinks by the options that it carries",
    "tcp/fill.ts payloadPerSegment",
    [
      "timestamps take their twelve bytes out of each segment",
      "RFC 2018 4: SACK rides on data and on the FIN, and shrinks their payload to fit",
      "a super-packet obeys the MSS of the program and leaves room for options",
    ],
  ),
];

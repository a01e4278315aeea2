/**
 * Losses by time and probes of the tail: RFC 8985, 3042, 3522, 9406.
 *
 * @module
 */

import { met, type Row } from "./table.ts";

export const RFC8985: readonly Row[] = [
  met(
    "5.2",
    "Each transmission has a record of when it left",
    ["tcp/flight.ts Flight", "tcp/send_data.ts recordRange"],
    [
      "a flight is a map with an entry for each number (seed 1)",
      "the records are bounded: a peer that reports single bytes is not believed for ever",
    ],
    "A super-packet is one record until a part of it fares otherwise",
  ),
  met(
    "6.2 step 1–3",
    "The latest transmission that arrived is known, and whether the path reorders; of what left twice a copy that cannot be told counts for nothing",
    "tcp/rack.ts delivered",
    [
      "a path that was seen to reorder is waited for, however much is reported",
      "of two that left at the same time the one with the lower number left first",
    ],
  ),
  met(
    "6.2 step 4",
    "The reordering window is a quarter of the smallest round trip, more after D-SACKs, and none with three segments reported",
    "tcp/rack.ts reorderingMs onDuplicate",
    [
      "a segment that is late by less than a quarter of the round trip is not repeated",
      "with three segments reported there is no waiting",
      "a D-SACK widens the reordering window by a quarter, once a round trip",
      "where packets are only late next to nothing is repeated",
    ],
  ),
  met(
    "6.2 step 5",
    "What left that much before something that arrived is lost, a retransmission as well; a timer looks again",
    ["tcp/flight.ts loseBefore", "tcp/recovery.ts detectByTime"],
    [
      "what left before something that arrived is lost once its time is over, and waits until then",
      "a segment that is later is, though nothing more is heard: the reordering timer",
      "a retransmission that is lost goes again without the timer",
    ],
  ),
  met(
    "6.3",
    "A timeout takes for lost the first segment, and what left long ago",
    "tcp/recovery.ts recoverFromTimeout",
    "after a timeout everything goes again but what the program has reported",
  ),
  met(
    "7.2",
    "A tail without an answer is probed after two round trips, a single segment after those and a delayed ACK",
    "tcp/tail_probe.ts armTailProbe",
    [
      "a lost tail is probed after two round trips, and RACK mends the rest from the answer",
      "a single segment is given the time of a delayed ACK, and its probe comes in place of the first timeout",
      "without SACK, and while holes are reported, there are no probes",
    ],
    "No sooner than 20 ms, since an ACK may have to wait for its turn in the same event loop",
  ),
  met(
    "7.3",
    "The probe is new data within the peer's window, or the last segment again, and there is one",
    "tcp/send_data.ts emitTailProbe",
    [
      "the probe is new data where there is some, beyond the congestion window",
      "but not beyond the window of the program",
      "one probe is all: without an answer the timer takes over",
      "a lost FIN is probed, too",
    ],
  ),
  met(
    "7.4",
    "A probe that mended a loss costs what a loss costs",
    "tcp/tail_probe.ts takeProbeAnswer",
    [
      "a probe that mended a loss costs what a loss costs",
      "a probe whose first copy had only been late costs nothing, as a D-SACK tells",
    ],
  ),
  met(
    "3042",
    "Without SACK each of the first two duplicate ACKs lets a new segment go",
    "tcp/recovery.ts flightBytes",
    "without SACK each of the first two duplicates lets a new segment go: limited transmit (RFC 3042)",
  ),
  met(
    "3522",
    "A recovery that a timestamp shows to be none gives the window back",
    "tcp/recovery.ts takeEcho",
    [
      "with timestamps the echo tells that a timeout was none, and nothing more is repeated",
      "without an echo of the first copy a timeout stays one",
    ],
  ),
  met(
    "9406",
    "Slow start ends when the round trip grows",
    "tcp/slow_start.ts SlowStart",
    [
      "slow start grows by a quarter once the round trip has grown, and ends after five such rounds (RFC 9406)",
      "slow start goes on where the longer round trip was an accident",
    ],
  ),
];

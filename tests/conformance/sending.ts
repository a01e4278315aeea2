/**
 * How much is sent, and when again: RFC 6298, 5681, 6582, 6928, 9438, and what is left of RFC 1122.
 *
 * @module
 */

import { met, notMet, type Row } from "./table.ts";

export const RFC6298: readonly Row[] = [
  met(
    "2.1",
    "Before any measure the RTO is 1 s",
    "tcp/constants.ts INITIAL_RTO_MS",
    [
      "the RTO is that of RFC 6298: 1 s at first, SRTT + 4 RTTVAR then",
      "a SYN-ACK that gets no answer is repeated with doubled pauses, and given up with a RST after 63 s",
    ],
  ),
  met(
    "2.2, 2.3",
    "SRTT and RTTVAR follow the measures, RTTVAR first",
    "tcp/rtt.ts sample",
    "the RTO is that of RFC 6298: 1 s at first, SRTT + 4 RTTVAR then",
  ),
  notMet(
    "2.4",
    "An RTO below 1 s should be taken as 1 s",
    "it is taken as 200 ms, as in Linux, against whose delayed ACKs of 40 ms that is ample",
  ),
  met(
    "2.5",
    "A ceiling is no lower than 60 s",
    "tcp/constants.ts MAX_RTO_MS",
    "the RTO has a floor and a ceiling, and a negative sample counts as zero",
  ),
  met(
    "3 Karn",
    "No measure of what was sent twice, unless a timestamp tells the copies apart",
    "tcp/ack.ts measure",
    [
      "the RTO follows the round-trip time, and Karn keeps repeated segments out of it",
      "with timestamps a repeated segment gives a measure, since it tells which copy arrived",
    ],
  ),
  met(
    "4 G",
    "The grain of the clock keeps the variance from vanishing",
    "tcp/rtt.ts GRANULARITY_MS",
    "an RTT near zero does not make the RTO vanish",
  ),
  met(
    "5.1–5.3",
    "The timer runs while something is out, and starts anew when something arrives",
    ["tcp/send_data.ts emitNew", "tcp/ack.ts acknowledge"],
    [
      "RFC 6298 5.3: an ACK of something new starts the timer anew, one of nothing new does not",
      "what is not acknowledged is sent again, with doubled pauses",
    ],
  ),
  met(
    "5.4–5.6",
    "At a timeout the first segment goes again, and the RTO doubles",
    ["tcp/timeout.ts retransmit", "tcp/rtt.ts backOff"],
    [
      "what is not acknowledged is sent again, with doubled pauses",
      "an expiry doubles the RTO, a sample takes the doublings back",
    ],
  ),
  met(
    "5.7",
    "After a handshake whose timer expired, data begins with an RTO of 3 s",
    ["tcp/rtt.ts endHandshake", "tcp/handshake.ts establish"],
    "RFC 6298 5.7: after a SYN-ACK that was repeated, data begins with an RTO of 3 s",
  ),
];

export const RFC5681: readonly Row[] = [
  met(
    "6928 2",
    "The initial window is ten segments, or 14,600 bytes, or two segments",
    "tcp/congestion.ts initialWindow",
    [
      "the initial window is that of RFC 6928",
      "the first flight is the initial window of RFC 6928, and doubles with each round trip",
    ],
  ),
  met(
    "3.1 slow start",
    "Below the threshold the window grows by what was acknowledged",
    "tcp/new_reno.ts onAck",
    "NewReno doubles in slow start, halves at a loss, and then adds a segment a round trip",
    "By bytes and without the cap of two segments an ACK: one ACK stands for a super-packet (RFC 3465)",
  ),
  met(
    "3.1 avoidance",
    "Above it, by a segment a round trip",
    "tcp/new_reno.ts onAck",
    "NewReno doubles in slow start, halves at a loss, and then adds a segment a round trip",
  ),
  met(
    "3.1 equation 4",
    "A timeout halves the threshold once for the same loss, and leaves one segment",
    "tcp/new_reno.ts onTimeout",
    [
      "a timeout leaves one segment, slow start up to half of what was out, and the threshold once",
      "half of next to nothing is two segments",
      "a timeout closes the congestion window to one segment, and it opens again with each ACK",
    ],
  ),
  met(
    "3.2 three",
    "Three duplicate ACKs send the segment again at once",
    "tcp/recovery.ts detectLoss",
    [
      "three duplicate ACKs are a loss: the segment goes again without waiting for the timer",
      "duplicate ACKs are not counted where the window moves or data comes along",
    ],
  ),
  met(
    "3.2 half",
    "and halve the window",
    "tcp/new_reno.ts onLoss",
    "a loss halves the congestion window of NewReno",
  ),
  met(
    "4.1 idle",
    "After a pause of an RTO the first flight is no larger than the initial window",
    "tcp/send_data.ts emitNew",
    "after a pause the first flight is the initial window again (RFC 5681, section 4.1)",
  ),
  met(
    "4.2 ACK",
    "Segments out of order, and those that fill a gap, are acknowledged at once",
    "tcp/receive.ts takePayload",
    [
      "segments out of order are kept, and reported latest first",
      "without SACK the same segments are kept and not reported",
    ],
  ),
  met(
    "6582 3.2",
    "Without SACK a partial ACK points at the next hole",
    "tcp/recovery.ts continueRecovery",
    "without SACK a partial ACK points at the next hole",
  ),
];

export const RFC9438: readonly Row[] = [
  met(
    "4.2",
    "In avoidance the window is a cubic of the time since the last loss, flat where that was",
    "tcp/cubic.ts Cubic",
    [
      "CUBIC is back at the old window after K seconds, flat there, and steep beyond",
      "CUBIC grows by the clock: a round trip ten times as long gives the same window",
    ],
  ),
  met(
    "4.3",
    "Where Reno would be faster, it is no slower",
    "tcp/cubic.ts Cubic",
    "CUBIC with a small window and a short round trip is no slower than Reno",
  ),
  met(
    "4.6",
    "A loss leaves seven tenths",
    "tcp/cubic.ts onLoss",
    "CUBIC keeps seven tenths after a loss, and never less than two segments",
  ),
  met(
    "4.7",
    "Below the old peak it leaves room for others",
    "tcp/cubic.ts Cubic",
    "CUBIC below its old peak leaves room: fast convergence",
  ),
  met(
    "4.8",
    "After a timeout it begins with one segment, and the old window as its aim",
    "tcp/cubic.ts onTimeout",
    "CUBIC begins with one segment after a timeout, and flat at seven tenths of what was out",
  ),
  met(
    "5.8",
    "Time in which the application had nothing to send does not count",
    "tcp/cubic.ts Cubic",
    [
      "CUBIC does not count the time in which nothing was to be sent",
      "after a pause the window of CUBIC is no larger than the initial one",
    ],
  ),
  met(
    "one interface",
    "CUBIC and NewReno stand behind one interface",
    ["tcp/congestion.ts CongestionControl", "tcp/settings.ts newCongestion"],
    "the control is chosen by name, CUBIC when none is named",
  ),
];

export const RFC1122: readonly Row[] = [
  met(
    "4.2.3.2",
    "ACKs should be fewer than segments, and come for every second one",
    "tcp/transmit.ts pollSegment",
    [
      "one ACK stands for a whole batch",
      "RFC 9293 MUST-40: an ACK is not delayed at all, it leaves with the batch that it answers",
    ],
    "One for each batch that the device hands over, never delayed (SHLD-18, SHLD-19)",
  ),
  met(
    "window size",
    "The window, and the queue of the sender, grow with what leaves them in a round trip: from 1 MiB to 16 MiB",
    "tcp/right_size.ts RightSize",
    [
      "queues and windows grow until a path of 1 Gbit/s and 100 ms is filled, from the stack",
      "queues and windows grow until a path of 1 Gbit/s and 100 ms is filled, to the stack",
      "a queue of which more than the half leaves in a round trip grows to four times that",
    ],
    "No RFC asks for it. RFC 7323, section 2, makes room for such windows",
  ),
  met(
    "4.2.3.3",
    "The right edge of a receive window moves by worthwhile steps",
    "tcp/tcb.ts windowUpdateIsDue",
    [
      "a window that grows by little is not worth an update: no silly windows",
      "near a closed window one segment of room is worth an update, less is not",
    ],
  ),
  met(
    "4.2.3.4",
    "A sender waits for a segment, half of the largest window, the last byte, or a timer",
    "tcp/send_data.ts isWorthSending",
    [
      "no small segments: what does not fill one waits for a window that takes it",
      "half of a small buffer is worth a segment",
      "the last bytes go even when they are few",
      "a window that stays small is filled once the override timer has run",
    ],
  ),
  met(
    "4.2.2.16",
    "The right edge is not taken back",
    "tcp/tcb.ts receiveEdge",
    "the window is never taken back",
  ),
  met(
    "4.2.2.17",
    "A closed window is probed first after an RTO, then ever more seldom, without end",
    "tcp/timeout.ts probe",
    [
      "a closed window is probed with one byte and doubled pauses, and opening it lets the rest go",
      "probing goes on without end while the program answers",
    ],
  ),
  met(
    "4.2.2.13",
    "Data for a reader that is gone is answered with RST",
    "tcp/receive.ts takePayload",
    [
      "data for a reader that is gone is answered with a RST",
      "a reader that goes while bytes wait for it resets: they were never read",
    ],
  ),
  met(
    "4.2.2.20",
    "Segments out of order should be kept",
    "tcp/assembler.ts Assembler",
    [
      "pieces that overlap in every way make one stream",
      "the assembler is a map with a byte for each number (seed 1)",
    ],
    "Up to 16,384 pieces a flow",
  ),
  met(
    "4.2.3.5",
    "The user timeout is no less than 100 s unless it is chosen, and ends with a RST",
    ["tcp/constants.ts USER_TIMEOUT_MS", "tcp/timeout.ts hasGivenUp"],
    [
      "the user timeout is a setting: data without an answer for so long ends with a RST (RFC 5482)",
      "a program that does not answer for 120 s is reset, and the reader and the writer hear of it",
      "a program that answers no probe for 120 s is reset",
    ],
  ),
];

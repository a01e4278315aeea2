/**
 * RFC 9293, appendix B: MUST-1 to MUST-35.
 *
 * @module
 */

import { met, notApplicable, type Row } from "./table.ts";

export const RFC9293_TO_35: readonly Row[] = [
  met(
    "MUST-1",
    "A window is an unsigned number",
    ["wire/tcp.ts parseTcp", "tcp/ack.ts takeWindow"],
    "RFC 9293 MUST-1: a window with its highest bit set is large, not negative",
  ),
  met(
    "MUST-2",
    "A sender computes the checksum",
    "stack/egress.ts writeSegment",
    "RFC 9293 MUST-2: every segment leaves with the sum that a naive twin finds, of any length, whole or left to the device",
  ),
  met(
    "MUST-3",
    "A receiver checks the checksum",
    "stack/ingress.ts transportSumIsGood",
    "what is not whole is dropped by reason: cut at every length, each checksum wrong",
    "A device that has verified the sum, or left it to be completed, says so in the frame header",
  ),
  met(
    "MUST-4",
    "End of List, No-Operation and MSS are understood",
    "wire/tcp_options.ts parseTcpOptions",
    [
      "the options of a Linux SYN are read",
      "an option that is malformed ends the list, and what came before it counts",
    ],
  ),
  met(
    "MUST-5",
    "An option may come in any segment",
    "wire/tcp_options.ts parseTcpOptions",
    "RFC 9293 MUST-5: an option may stand in any segment, and those of a SYN mean nothing elsewhere",
  ),
  met(
    "MUST-6",
    "An unknown option is skipped by its length",
    "wire/tcp_options.ts parseTcpOptions",
    "options of a wrong or unknown kind are walked over by their length",
  ),
  met(
    "MUST-7",
    "An impossible option length does no harm",
    "wire/tcp_options.ts parseTcpOptions",
    [
      "an option that is malformed ends the list, and what came before it counts",
      "options cut at every length give no more than the whole, and never an error",
    ],
  ),
  met(
    "MUST-8",
    "Initial sequence numbers follow a clock of 4 microseconds",
    "tcp/isn.ts initialSequence",
    [
      "an initial number ticks every 4 microseconds, and the timestamp offset does not move",
      "initial sequence numbers differ by tuple and by secret, and grow with time",
    ],
  ),
  met(
    "MUST-9",
    "Nobody outside can compute what is added to that clock",
    "tcp/isn.ts sipHash",
    [
      "SipHash-2-4 gives the vectors of its authors",
      "initial sequence numbers differ by tuple and by secret, and grow with time",
    ],
  ),
  met(
    "MUST-10",
    "Two that call each other at once get one connection",
    "tcp/handshake.ts arriveSynSent arriveSynAgain",
    [
      "RFC 9293 MUST-10: two endpoints that call each other at once open one connection, and fall silent",
      "RFC 9293 MUST-10: of two SYNs that crossed one may be lost with its answer, and the connection opens all the same",
      "two SYNs that cross open one connection (RFC 9293, figure 7)",
    ],
  ),
  met(
    "MUST-11",
    "SYN-RECEIVED remembers whether it listened or called",
    ["tcp/receive.ts arriveReset", "stack/flows.ts request"],
    [
      "RFC 9293 MUST-11: a RST in SYN-RECEIVED leaves the port listening: the next SYN is a request again",
      "RFC 9293 MUST-11: a RST refuses the side that called, also when a SYN that crossed has brought it to SYN-RECEIVED",
    ],
    "Whoever listens has no endpoint: the stack listens on every port, so a flow that goes leaves LISTEN behind",
  ),
  met(
    "MUST-12",
    "The owner learns whether the far end closed or broke off",
    ["tcp/tcb.ts EndReason", "tcp/endpoint.ts read"],
    [
      "a FIN is the end behind the last byte, and is acknowledged",
      "a RST with the very next number ends the flow",
      "a RST keeps the bytes readable that came before it",
    ],
  ),
  met(
    "MUST-13",
    "Whoever closed first stays in TIME-WAIT for twice the segment lifetime",
    ["tcp/ack.ts enterTimeWait", "tcp/constants.ts TIME_WAIT_MS"],
    [
      "the owner closes first: data still comes from the program, then its FIN, and TIME-WAIT stays",
      "a FIN again in TIME-WAIT is acknowledged again, and the minute begins anew",
    ],
    "With a lifetime of 30 s, as in Linux. Beyond 8192 of them the oldest gives way",
  ),
  met(
    "MUST-14",
    "The MSS option is sent and obeyed",
    ["tcp/transmit.ts emitSyn", "tcp/handshake.ts takeSyn"],
    [
      "a SYN is a request, and the SYN-ACK leaves only when it is accepted",
      "a segment carries what both the MSS of the program and the own one allow",
    ],
  ),
  met(
    "MUST-15",
    "Without an MSS option it is 536 over IPv4, 1220 over IPv6",
    ["tcp/constants.ts DEFAULT_MSS_V4 DEFAULT_MSS_V6", "tcp/handshake.ts takeSyn"],
    "a segment carries what both the MSS of the program and the own one allow",
  ),
  met(
    "MUST-16",
    "No segment is longer than the peer's MSS and the own MTU allow, options included",
    ["tcp/handshake.ts takeSyn", "tcp/fill.ts payloadPerSegment"],
    [
      "a segment carries what both the MSS of the program and the own one allow",
      "timestamps take their twelve bytes out of each segment",
      "an absurd MSS is not obeyed: a segment carries more than its options",
    ],
  ),
  met(
    "MUST-17",
    "The Nagle algorithm can be switched off",
    "tcp/send_data.ts isWorthSending",
    "RFC 9293 MUST-17: nothing waits for an acknowledgment of what went before: there is no Nagle algorithm",
    "It is off for good (against SHLD-7): whether bytes are gathered was decided by the far side, whose writes pass through",
  ),
  met(
    "MUST-18",
    "The RTO is that of RFC 6298, with Karn's algorithm",
    ["tcp/rtt.ts RttEstimator", "tcp/ack.ts measure"],
    [
      "the RTO is that of RFC 6298: 1 s at first, SRTT + 4 RTTVAR then",
      "the RTO follows the round-trip time, and Karn keeps repeated segments out of it",
    ],
  ),
  met(
    "MUST-19",
    "Slow start, congestion avoidance, and an RTO that doubles",
    ["tcp/congestion.ts CongestionControl", "tcp/new_reno.ts onAck", "tcp/rtt.ts backOff"],
    [
      "NewReno doubles in slow start, halves at a loss, and then adds a segment a round trip",
      "what is not acknowledged is sent again, with doubled pauses",
      "a timeout closes the congestion window to one segment, and it opens again with each ACK",
    ],
  ),
  met(
    "MUST-20",
    "After too many retransmissions the connection is closed",
    "tcp/timeout.ts hasGivenUp",
    [
      "a program that does not answer for 120 s is reset, and the reader and the writer hear of it",
      "in LAST-ACK a program that is gone is reset after 120 s: nothing stays",
    ],
    "There is no other gateway that IP could try at R1: the device is the only way",
  ),
  met(
    "MUST-21",
    "The application sets how long that takes",
    ["tcp/settings.ts userTimeoutMs", "tcp/timeout.ts hasGivenUp"],
    "RFC 9293 MUST-21: whoever makes a stack says how long a program may be silent, infinity included",
    "For all flows of a stack",
  ),
  met(
    "MUST-22",
    "SYNs are repeated by the same rules",
    "tcp/timeout.ts repeatSyn",
    [
      "a SYN-ACK that gets no answer is repeated with doubled pauses, and given up with a RST after 63 s",
      "a SYN without answer is repeated, and given up after three minutes",
    ],
  ),
  met(
    "MUST-23",
    "An attempt to open goes on for at least three minutes",
    "tcp/constants.ts SYN_SENT_TIMEOUT_MS",
    "a SYN without answer is repeated, and given up after three minutes",
    "The SYN-ACK is given up after 63 s, as in Linux: the attempt is the program's, and a half-open flow holds a tunnel",
  ),
  met(
    "MUST-24",
    "Keep-alives can be switched on and off",
    ["tcp/settings.ts KeepAlive", "tcp/keep_alive.ts startKeepAlive"],
    [
      "keep-alive is off: a silent flow is left alone for days",
      "keep-alive asks after the silence, and again, and resets who does not answer",
    ],
    "For all flows of a stack at once",
  ),
  met(
    "MUST-25",
    "Keep-alives are off by default",
    "tcp/timers.ts Timers",
    "RFC 9293 MUST-25: an idle flow sends nothing and has no deadline, however long it is idle",
  ),
  met(
    "MUST-26",
    "Keep-alives are sent on idle connections only",
    "tcp/keep_alive.ts expireKeepAlive",
    [
      "an answer to keep-alive begins the silence anew",
      "keep-alive is silent while data waits for an answer, which has a timeout of its own",
    ],
  ),
  met(
    "MUST-27",
    "Their interval can be chosen",
    "tcp/settings.ts idleMs",
    "keep-alive asks after the silence, and again, and resets who does not answer",
  ),
  notApplicable(
    "MUST-28",
    "Their interval is two hours by default",
    "there is no default: whoever switches them on says when",
  ),
  met(
    "MUST-29",
    "One of them unanswered is no dead connection",
    "tcp/keep_alive.ts PROBES",
    "keep-alive asks after the silence, and again, and resets who does not answer",
  ),
  met(
    "MUST-30",
    "Urgent data is supported",
    "tcp/receive.ts takePayload",
    "RFC 9293 MUST-30, MUST-31: urgent data of any length stays in line, wherever its pointer points",
    "In line, where RFC 6093 wants it; none is ever sent",
  ),
  met(
    "MUST-31",
    "Urgent data may have any length",
    "tcp/receive.ts takePayload",
    "RFC 9293 MUST-30, MUST-31: urgent data of any length stays in line, wherever its pointer points",
  ),
  notApplicable(
    "MUST-32",
    "The application is told of urgent data at once",
    "it is a relay into an HTTP tunnel, which knows no urgency and has nobody to tell",
  ),
  notApplicable(
    "MUST-33",
    "The application can learn how much urgent data there is",
    "it is a relay into an HTTP tunnel, which knows no urgency and has nobody to tell",
  ),
  met(
    "MUST-34",
    "A window that shrinks does no harm",
    ["tcp/send_data.ts emitNew", "tcp/ack.ts takeWindow"],
    [
      "a window that is shrunk takes nothing back: what is out is repeated, nothing new goes",
      "a window that is shrunk to nothing and opened again gets what was thrown away at once",
    ],
  ),
  met(
    "MUST-35",
    "A window that shrinks to zero is probed",
    ["tcp/timeout.ts retransmit", "tcp/ack.ts reopenWindow"],
    "a window that is shrunk to nothing and opened again gets what was thrown away at once",
    "What was in flight is the probe",
  ),
];

/**
 * RFC 9293, appendix B: MUST-36 to MUST-69.
 *
 * @module
 */

import { met, notApplicable, notMet, type Row } from "./table.ts";

const NO_OPEN = "flows begin with the SYN of a program: nobody here opens one";

export const RFC9293_FROM_36: readonly Row[] = [
  met(
    "MUST-36",
    "A closed window is probed",
    ["tcp/send_data.ts emitProbe", "tcp/timeout.ts probe"],
    [
      "a closed window is probed with one byte and doubled pauses, and opening it lets the rest go",
      "a FIN behind a closed window is the probe",
    ],
  ),
  met(
    "MUST-37",
    "As long as probes are answered, a window may stay closed for ever",
    "tcp/ack.ts handleAck",
    "probing goes on without end while the program answers",
  ),
  met(
    "MUST-38",
    "A sender makes no silly windows",
    "tcp/send_data.ts isWorthSending",
    [
      "no small segments: what does not fill one waits for a window that takes it",
      "half of a small buffer is worth a segment",
      "a window that stays small is filled once the override timer has run",
    ],
  ),
  met(
    "MUST-39",
    "A receiver makes no silly windows",
    "tcp/tcb.ts windowUpdateIsDue",
    [
      "a window that grows by little is not worth an update: no silly windows",
      "near a closed window one segment of room is worth an update, less is not",
    ],
  ),
  met(
    "MUST-40",
    "No ACK is delayed by half a second",
    "tcp/transmit.ts pollSegment",
    "RFC 9293 MUST-40: an ACK is not delayed at all, it leaves with the batch that it answers",
  ),
  met(
    "MUST-41",
    "To listen disturbs no connection that is there",
    "stack/flows.ts request",
    [
      "RFC 9293 MUST-41, MUST-42: a port goes on listening while flows to it are held, half open and open",
      "a thousand flows live side by side, each with its own bytes",
    ],
  ),
  met(
    "MUST-42",
    "A port listens while connections to it are half open",
    "stack/flows.ts request",
    "RFC 9293 MUST-41, MUST-42: a port goes on listening while flows to it are held, half open and open",
  ),
  notApplicable("MUST-43", "OPEN takes a local address", NO_OPEN),
  notApplicable("MUST-44", "Without one IP chooses it before the SYN", NO_OPEN),
  met(
    "MUST-45",
    "All segments of a connection leave from the same address",
    "stack/egress.ts writeSegment",
    "RFC 9293 MUST-45: all that a flow sends comes from the address and port that its SYN went to",
  ),
  notApplicable("MUST-46", "OPEN to a broadcast or multicast address is an error", NO_OPEN),
  notMet(
    "MUST-47",
    "The application hears of soft errors",
    "they are counted by reason for the whole stack (`icmp-error-ignored`), and no flow is told of its own: nothing the owner of a flow " +
      "could do would be right (RFC 5927, section 5.2)",
  ),
  met(
    "MUST-48",
    "The application chooses the Diffserv field",
    ["tcp/settings.ts diffserv", "stack/egress.ts writeSegment"],
    "RFC 9293 MUST-48, MUST-49: whoever makes a stack chooses TTL and code point of its segments",
    "For all flows of a stack",
  ),
  met(
    "MUST-49",
    "The TTL can be chosen",
    ["tcp/settings.ts hopLimit", "stack/egress.ts writeSegment"],
    "RFC 9293 MUST-48, MUST-49: whoever makes a stack chooses TTL and code point of its segments",
    "What belongs to no flow leaves with 64",
  ),
  met(
    "MUST-50",
    "IP options that are not understood are skipped",
    "wire/ipv4.ts parseIpv4",
    ["IPv4 options are walked over", "RFC 1122 3.2.1.8: IPv4 options are skipped"],
  ),
  notApplicable("MUST-51", "OPEN takes a source route", NO_OPEN),
  notApplicable("MUST-52", "It overrides one that came in a packet", NO_OPEN),
  notApplicable(
    "MUST-53",
    "A source route that came is used for the way back",
    "packets with a source route are dropped, as RFC 7126, sections 4.3 and 4.4, advises",
  ),
  met(
    "MUST-54",
    "An ICMP error reaches the connection that it is about",
    ["stack/icmp.ts handle", "stack/flows.ts shrink"],
    [
      "RFC 1191 6.5: after Fragmentation Needed what is in flight goes again in smaller segments, at once",
      "RFC 8201 5.4: after Packet Too Big what is in flight goes again in smaller segments, at once",
      "RFC 5927 4.1: a message about no flow of ours is ignored",
    ],
    "Too Big is obeyed; of all others a flow takes no notice (RFC 5927, section 5.2), they are counted",
  ),
  met(
    "MUST-55",
    "Source Quench is ignored",
    "stack/icmp_errors.ts readTooBig",
    "RFC 9293 MUST-55, MUST-56: Source Quench, Unreachable, Time Exceeded and Parameter Problem about a flow leave it as it is",
  ),
  met(
    "MUST-56",
    "Unreachable, Time Exceeded and Parameter Problem end no connection",
    "stack/icmp_errors.ts readTooBig",
    [
      "RFC 9293 MUST-55, MUST-56: Source Quench, Unreachable, Time Exceeded and Parameter Problem about a flow leave it as it is",
      "RFC 5927 5.2: no other ICMP error ends a flow, or changes it",
    ],
  ),
  met(
    "MUST-57",
    "A SYN to a broadcast or multicast address is dropped without a word",
    "stack/ingress.ts checkAddresses",
    [
      "packets to or from addresses that no host may use are dropped by reason",
      "RFC 1122 3.2.2, RFC 4443 2.4 e: what went to many, or came from nobody, is never answered",
    ],
  ),
  met(
    "MUST-58",
    "ACKs are aggregated",
    "tcp/transmit.ts pollSegment",
    ["one ACK stands for a whole batch", "an ACK rides on data where there is some"],
  ),
  met(
    "MUST-59",
    "All segments that wait are processed before an ACK is sent",
    "tcp/transmit.ts pollSegment",
    "one ACK stands for a whole batch",
    "The shell drains packets after the batch that one read of the device brought",
  ),
  met(
    "MUST-60",
    "Without a PUSH flag nothing waits for ever",
    "tcp/send_data.ts emitNew",
    "RFC 9293 MUST-60, MUST-61: what is written leaves at once, and the last segment of it has PSH",
  ),
  met(
    "MUST-61",
    "Without a PUSH flag the last segment that is queued has PSH",
    "tcp/send_data.ts sendRange",
    "RFC 9293 MUST-60, MUST-61: what is written leaves at once, and the last segment of it has PSH",
  ),
  notApplicable(
    "MUST-62",
    "The urgent pointer points behind the urgent data",
    "no segment with URG is ever sent",
  ),
  met(
    "MUST-63",
    "A SYN from an address that nobody may have is ignored",
    "stack/ingress.ts checkAddresses",
    "packets to or from addresses that no host may use are dropped by reason",
  ),
  met(
    "MUST-64",
    "Options need not begin on a word boundary",
    "wire/tcp_options.ts parseTcpOptions",
    [
      "the options of a Linux SYN are read",
      "RFC 9293 MUST-64: the same options mean the same behind any number of No-Operations",
    ],
  ),
  met(
    "MUST-65",
    "Only a SYN names an MSS",
    "tcp/fill.ts fill",
    "RFC 9293 MUST-65: no segment but the SYN-ACK says an MSS",
  ),
  met(
    "MUST-66",
    "RST and URG count also while the window is closed",
    "tcp/receive.ts checkSequence",
    [
      "RFC 9293 MUST-66: with its window closed a flow still takes ACKs and RSTs",
      "RFC 9293 MUST-66: data on a closed window is not taken, the ACK and the RST that come with it are",
    ],
  ),
  met(
    "MUST-67",
    "The MSS that is sent is what IP can receive, without headers",
    "stack/new_entry.ts newEntry",
    [
      "a SYN is a request, and the SYN-ACK leaves only when it is accepted",
      "a SYN over IPv6 is answered with the MSS that its longer header leaves",
      "a new flow to a host whose path is known begins with segments that fit, and offers its own MSS all the same",
    ],
  ),
  met(
    "MUST-68",
    "Every option but End of List and No-Operation has a length",
    "wire/tcp_options.ts writeTcpOptions",
    "options that were written are read back, by us and by the naive twin",
  ),
  met(
    "MUST-69",
    "Behind the end of the list there are zeros",
    "wire/tcp_options.ts writeTcpOptions",
    "RFC 9293 MUST-69: No-Operations pad what is written, so no list ends before its header",
  ),
];

/**
 * The stalls that other stacks keep running into, each with the test that would see it here.
 *
 * @module
 */

import { met, type Row } from "./table.ts";

export const STALLS: readonly Row[] = [
  met(
    "RTT near zero",
    "A round trip of microseconds must not give an RTO of nothing",
    "tcp/rtt.ts sample",
    "an RTT near zero does not make the RTO vanish",
  ),
  met(
    "lost window update",
    "The update that opens a window is not repeated: a probe must find it",
    ["tcp/send_data.ts emitProbe", "tcp/tcb.ts windowUpdateIsDue"],
    [
      "a window update that was lost is found by the probe",
      "a closed window is probed: each probe is answered, and reading opens it with an update",
    ],
  ),
  met(
    "lost FIN",
    "A FIN is sent again like any byte",
    "tcp/send_data.ts sendRange",
    [
      "a FIN that was lost goes again",
      "in LAST-ACK our FIN goes again until it is acknowledged",
      "a FIN again in TIME-WAIT is acknowledged again, and the minute begins anew",
    ],
  ),
  met(
    "FIN with data retransmitted",
    "A FIN may come with bytes that came before, and is news all the same",
    "tcp/receive.ts noteFin",
    [
      "a FIN goes again with the data before it",
      "a FIN that comes with data that came before is a FIN all the same",
    ],
  ),
  met(
    "zero window then RST",
    "Probing must end with the flow",
    "tcp/tcb.ts abort",
    [
      "a RST while the window is closed ends the flow and the probing",
      "RFC 9293 MUST-66: with its window closed a flow still takes ACKs and RSTs",
    ],
  ),
  met(
    "ACK of unsent data",
    "It must neither move SND.UNA nor be answered without end",
    "tcp/ack.ts ackIsAcceptable",
    [
      "an ACK of what was never sent is challenged and changes nothing",
      "stall: two ends that each believe the other's numbers wrong do not feed each other",
    ],
  ),
  met(
    "sequence numbers pass through zero",
    "In the midst of a transfer, with holes, timeouts and a FIN",
    "wire/seq.ts seqLess",
    [
      "the program's numbers pass through zero in mid-transfer",
      "our own numbers pass through zero in mid-transfer, with holes and a FIN",
      "a timeout across zero repeats everything",
    ],
  ),
  met(
    "timestamps pass through zero",
    "In the midst of a transfer, on either side",
    "tcp/receive.ts checkTimestamp",
    [
      "the program's timestamps pass through zero in mid-transfer",
      "our own timestamps pass through zero in mid-transfer",
    ],
  ),
  met(
    "black hole",
    "A path that swallows full segments, and whose word about that is filtered, must not stop a flow (RFC 4821, section 7.7)",
    "tcp/path_mtu.ts leaveBlackHole",
    [
      "a path that swallows full segments without a word gets smaller ones after the third timeout, over IPv4",
      "a path is not suspected while what has no answer is short, or the window is closed",
    ],
  ),
  met(
    "simultaneous open",
    "Two SYNs that cross make one connection, and not SYN-ACKs for ever",
    "tcp/handshake.ts arriveSynAgain",
    [
      "RFC 9293 MUST-10: two endpoints that call each other at once open one connection, and fall silent",
      "RFC 9293 MUST-10: of two SYNs that crossed one may be lost with its answer, and the connection opens all the same",
    ],
  ),
  met(
    "SYN again while the tunnel opens",
    "One SYN is one request, however often it comes",
    "tcp/handshake.ts arriveHeld",
    [
      "a SYN that comes again while it is held is ignored",
      "a SYN again after the SYN-ACK means that this was lost: it is sent again at once",
    ],
  ),
  met(
    "SYN with data",
    "The bytes are not acknowledged, and come again",
    "tcp/handshake.ts takeSyn",
    "data in a SYN is not acknowledged: the program sends it again",
  ),
  met(
    "RST while the SYN is held",
    "The tunnel that is being opened for it is cancelled",
    ["tcp/handshake.ts arriveHeld", "run.ts connect"],
    [
      "a RST while the SYN is held cancels the request",
      "a program that gives up while its SYN is held cancels the tunnel that is being opened",
    ],
  ),
  met(
    "ports again in TIME-WAIT",
    "A SYN beyond the old numbers opens them, another gets an ACK",
    "tcp/endpoint.ts canBeReplacedBy",
    [
      "a SYN beyond the old numbers opens the ports of TIME-WAIT again",
      "a SYN with an old number does not, and gets an ACK",
      "with timestamps a later one is enough, and an earlier one is not (RFC 6191)",
    ],
  ),
  met(
    "RST and SYN in one batch",
    "Ports that a RST has freed are free for the very next packet",
    "tcp/endpoint.ts canBeReplacedBy",
    "RFC 9293 3.5.1, figure 9: a program that was started anew finds the half-open flow, and opens another",
  ),
];

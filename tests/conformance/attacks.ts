/**
 * What strangers may try: RFC 5961 and RFC 6528.
 *
 * @module
 */

import { met, type Row } from "./table.ts";

export const RFC5961: readonly Row[] = [
  met(
    "3.2 exact",
    "A RST with the very next number resets",
    "tcp/receive.ts arriveReset",
    "a RST with the very next number ends the flow",
  ),
  met(
    "3.2 window",
    "One elsewhere in the window is challenged",
    "tcp/receive.ts arriveReset",
    "a RST elsewhere in the window is challenged (RFC 5961, section 3.2)",
  ),
  met(
    "3.2 outside",
    "One outside of it is dropped",
    "tcp/receive.ts checkSequence",
    "a RST outside of the window is dropped without a word",
  ),
  met(
    "4.2",
    "A SYN in an open connection is challenged, wherever it lies",
    "tcp/receive.ts arrive",
    [
      "a SYN in an open flow is challenged, wherever it lies (RFC 5961, section 4)",
      "a SYN without timestamps in a flow with them is challenged as well",
    ],
  ),
  met(
    "5.2",
    "An ACK is good from SND.UNA - MAX.SND.WND to SND.NXT, and challenged elsewhere",
    "tcp/ack.ts ackIsAcceptable",
    [
      "an ACK older than the largest window is challenged (RFC 5961, section 5)",
      "an ACK of what was never sent is challenged and changes nothing",
      "data behind an ACK of what was never sent is not taken",
    ],
  ),
  met(
    "7",
    "Challenges are throttled",
    "tcp/receive.ts challenge",
    "challenges are throttled",
    "Each flow for itself: a limit for all would tell one flow of another (RFC 5961, section 10; CVE-2016-5696)",
  ),
];

export const RFC6528: readonly Row[] = [
  met(
    "3",
    "A sequence number begins with a clock plus a keyed hash of the 5-tuple",
    ["tcp/isn.ts initialSequence", "stack/new_entry.ts newEntry"],
    [
      "initial sequence numbers differ by tuple and by secret, and grow with time",
      "SipHash-2-4 gives the vectors of its authors",
    ],
  ),
  met(
    "3 secret",
    "The key is chance, and of one stack only",
    "flow/pseudo_tcp.ts getRandomValues",
    "initial sequence numbers differ by tuple and by secret, and grow with time",
  ),
];

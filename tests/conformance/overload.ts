/**
 * What a flood, a greedy program or a hostile one may cost, each with its bound and the test that shows it kept, while a flow beside it goes on.
 *
 * @module
 */

import { met, type Row } from "./table.ts";

export const OVERLOAD: readonly Row[] = [
  met(
    "SYN flood",
    "SYNs that wait for an answer are bounded, for 60 s; those beyond are counted as `limit-requests`",
    ["stack/flows.ts request", "stack/limits.ts requests"],
    [
      "a SYN flood fills the requests and nothing else; flows go on, and it is over when its deadline is",
      "a SYN beyond the requests under way is dropped and counted, and taken once one is answered",
    ],
  ),
  met(
    "half-open handshakes",
    "They hold places of flows, counted as `limit-flows`, and end with a RST after 63 s",
    ["stack/flows.ts request", "tcp/timeout.ts repeatSyn"],
    "half-open handshakes fill the table of flows and nothing else, and end with a RST each",
  ),
  met(
    "never reads",
    "A closed window is probed without end; what waits for it is bounded for the flow, and for all flows together",
    ["tcp/tcb.ts hasSendRoom", "tcp/memory.ts Memory"],
    "clients that never read hold what all flows may hold together, and no more, and are probed",
  ),
  met(
    "acknowledges nothing",
    "It gets one window, rarer and rarer, and a RST when the user timeout is over",
    ["tcp/tcb.ts hasSendRoom", "tcp/timeout.ts hasGivenUp"],
    "clients that acknowledge nothing get one window, hold no more than their bound, and are reset",
  ),
  met(
    "shrinks its window",
    "Nothing new leaves beyond the smaller window but a probe",
    "tcp/send_data.ts emitNew",
    "clients that shrink their window get nothing beyond it but probes, and hold no more than their bound",
  ),
  met(
    "optimistic ACKs",
    "An ACK of what never left moves nothing, is counted as `tcp-ack-unacceptable`, and challenged twice a second at most; one of what is under way opens no more than the window",
    ["tcp/ack.ts ackIsAcceptable", "tcp/receive.ts challenge"],
    [
      "optimistic ACKs of what never left are challenged, seldom, counted, and move nothing",
      "ACKs of what is still under way send no more than the window at once, and the queue stays within its bound",
    ],
  ),
  met(
    "data outside of the window",
    "It is kept nowhere, counted as `tcp-out-of-window` or `tcp-beyond-window`, and answered once a batch",
    "tcp/receive.ts checkSequence",
    [
      "data outside of the window is counted, kept nowhere, and answered once a batch",
      "what waits for a reader is bounded by the window, whatever the program sends",
    ],
  ),
  met(
    "data out of order",
    "It is bounded in pieces for a flow (`tcp-reassembly-full`) and in bytes for all (`limit-memory`)",
    ["tcp/assembler.ts Assembler", "tcp/receive.ts mayKeep"],
    [
      "data out of order fills no more than the common memory, what is beyond is counted, and others go on",
      "pieces out of order are bounded in number, and the sender repeats what was dropped",
    ],
  ),
  met(
    "many greedy flows",
    "All flows together hold no more than `memoryBytes` and a small reserve each: the more is held, the smaller every queue and window",
    ["tcp/memory.ts Memory", "stack/limits.ts memoryBytes"],
    [
      "programs whose far sides do not read share the memory, near its end windows are small, and one that is read goes on",
      "however many flows want all they can get, there is something left for the next one",
    ],
  ),
  met(
    "thousands of idle flows",
    "They have no deadline, and cost nothing as time passes",
    "stack/deadlines.ts Deadlines",
    "ten thousand idle flows have no deadline: they cost nothing until something happens",
  ),
];

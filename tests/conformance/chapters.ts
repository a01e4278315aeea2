/**
 * The requirement table, chapter by chapter.
 *
 * @module
 */

import { RFC5961, RFC6528 } from "./attacks.ts";
import { FRAGMENTS, ICMP, IP, PATH_MTU } from "./ip.ts";
import { RFC8985 } from "./loss_by_time.ts";
import { RFC6691, RFC7323, SACK } from "./options.ts";
import { OVERLOAD } from "./overload.ts";
import { RFC4787 } from "./rfc4787.ts";
import { RFC9293_FROM_36 } from "./rfc9293_from_36.ts";
import { RFC9293_TO_35 } from "./rfc9293_to_35.ts";
import { RFC1122, RFC5681, RFC6298, RFC9438 } from "./sending.ts";
import { STALLS } from "./stalls.ts";
import type { Chapter } from "./table.ts";

/** What one end of TCP owes. */
export const TCP_CHAPTERS: readonly Chapter[] = [
  {
    title: "RFC 9293, appendix B: the numbered MUSTs",
    rows: [...RFC9293_TO_35, ...RFC9293_FROM_36],
  },
  { title: "RFC 7323: window scale and timestamps", rows: RFC7323 },
  { title: "RFC 2018, 2883, 6675: SACK", rows: SACK },
  { title: "RFC 6691: MSS and options", rows: RFC6691 },
  { title: "RFC 6298: the retransmission timer", rows: RFC6298 },
  { title: "RFC 5681, 6582, 6928: congestion", rows: RFC5681 },
  { title: "RFC 9438: CUBIC", rows: RFC9438 },
  { title: "RFC 8985, 3042, 3522, 9406: losses by time, probes, slow start", rows: RFC8985 },
  { title: "RFC 1122: windows, ACKs and persistence", rows: RFC1122 },
  { title: "RFC 5961: blind attacks", rows: RFC5961 },
  { title: "RFC 6528: initial sequence numbers", rows: RFC6528 },
  { title: "RFC 791, 8200, 1122: packets", rows: IP },
  { title: "RFC 791, 8200, 5722, 6946: fragments", rows: FRAGMENTS },
  { title: "RFC 792, 4443: ICMP", rows: ICMP },
  { title: "RFC 1191, 8201, 4821: what a path takes", rows: PATH_MTU },
  { title: "Overload: what it may cost", rows: OVERLOAD },
  { title: "Stalls that others ran into", rows: STALLS },
];

/** What a translator of UDP owes. */
export const UDP_CHAPTERS: readonly Chapter[] = [
  { title: "RFC 4787: what a translator owes to UDP", rows: RFC4787 },
];

/** All of them. */
export const CHAPTERS: readonly Chapter[] = [...TCP_CHAPTERS, ...UDP_CHAPTERS];

/**
 * A program's query, and how long its answer may be.
 *
 * @module
 */

import { type Header, MAX_MESSAGE_LENGTH, type Question } from "./message.ts";
import type { EdnsOption } from "./records.ts";

/** What a query says by its OPT record (RFC 6891). */
export interface Edns {
  /** The largest answer that the asker takes over UDP, in bytes; at least 512. */
  readonly udpSize: number;
  /** The asker wants the records of DNSSEC (RFC 3225). */
  readonly dnssecOk: boolean;
  readonly options: readonly EdnsOption[];
}

/** A query with one question. */
export interface Query {
  readonly header: Header;
  /** The name as the asker spells it. */
  readonly question: Question;
  /** The name in lower case. */
  readonly name: string;
  /** Absent when the asker does not speak EDNS. */
  readonly edns?: Edns;
}

/** How an answer will travel; UDP has a bound that the asker sets. */
export type DnsTransport = "udp" | "tcp";

/** What everybody takes over UDP (RFC 1035, section 4.2.1). */
export const PLAIN_UDP_SIZE = 512;
/**
 * The most that leaves over UDP, whatever the asker says: what BIND and dig ask for. The way from here to the program is one machine
 * long, so the fragments that make 1232 the rule elsewhere (RFC 9715) are no concern.
 */
const MAX_UDP_SIZE = 4096;

/** The most bytes that an answer to `query` may have. */
export function answerLimit({ edns }: Query, transport: DnsTransport): number {
  if (transport === "tcp") return MAX_MESSAGE_LENGTH;
  return Math.min(edns?.udpSize ?? PLAIN_UDP_SIZE, MAX_UDP_SIZE);
}

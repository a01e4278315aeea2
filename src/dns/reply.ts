/**
 * Answers that are made here, and not by a server elsewhere.
 *
 * @module
 */

import { encodeMessage, type Header, type Message, RCODE } from "./message.ts";
import { answerLimit, type DnsTransport, type Query } from "./query.ts";
import { CLASS_IN, type EdnsOption, type ResourceRecord, type SoaData, TYPE } from "./records.ts";

/** The largest query we say we take over UDP: no fragment on any usual path (RFC 9715, appendix A). */
const UDP_SIZE = 1232;
const EXTENDED_CODE_SHIFT = 24;
/** "DNSSEC OK", to be copied into the answer (RFC 3225, section 3). */
const DNSSEC_OK = 0x8000;

/** Seconds for which a "no" of ours may be remembered: they hardly ever change. */
export const NEGATIVE_TTL_SECONDS = 300;

/** RFC 2308, section 3: a "no" carries the SOA of its zone. Ours is the root's, as a local resolver that knows no other. */
const AUTHORITY: ResourceRecord = {
  name: "",
  type: TYPE.SOA,
  class: CLASS_IN,
  ttl: NEGATIVE_TTL_SECONDS,
  data: {
    kind: "soa",
    primary: "resolver.invalid",
    mailbox: "nobody.invalid",
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: NEGATIVE_TTL_SECONDS,
  } satisfies SoaData,
};

/** A response code and the records that go with it. */
export interface Verdict {
  /** Up to 4095; what is above 15 needs EDNS to be told. */
  readonly code: number;
  readonly answers?: readonly ResourceRecord[];
}

/** The name is there, and has nothing of this type. */
export const NO_DATA: Verdict = { code: RCODE.NOERROR };
/** There is no such name. */
export const NO_NAME: Verdict = { code: RCODE.NXDOMAIN };
/** It could not be found out. */
export const FAILED: Verdict = { code: RCODE.SERVFAIL };

/** The bytes of an answer that carries out `verdict`; they fit what the asker takes on `transport`. */
export function reply(
  query: Query,
  verdict: Verdict,
  transport: DnsTransport,
): Uint8Array<ArrayBuffer> {
  const { code, answers = [] } = verdict;
  const isNo = answers.length === 0 && (code === RCODE.NOERROR || code === RCODE.NXDOMAIN);
  const authorities = isNo ? [AUTHORITY] : [];
  const bytes = encode(query.header, code, { query, answers, authorities });
  return bytes.length <= answerLimit(query, transport) ? bytes : truncatedReply(query);
}

/** The answer to what cannot be followed; with the `query`, when so much of it was understood. */
export function refuse(header: Header, code: number, query?: Query): Uint8Array<ArrayBuffer> {
  return encode(header, code, { query });
}

/** The answer that does not fit: nothing but the TC bit, so that the asker comes again over TCP (RFC 2181, section 9). */
export function truncatedReply(query: Query): Uint8Array<ArrayBuffer> {
  return encode(query.header, RCODE.NOERROR, { query, truncated: true });
}

/** An answer to the question itself. */
export function answerRecord(
  { question }: Query,
  ttl: number,
  data: ResourceRecord["data"],
): ResourceRecord {
  return { name: question.name, type: question.type, class: CLASS_IN, ttl, data };
}

/** Our OPT record: our size, the high bits of the code, version 0, and the asker's DNSSEC OK. */
export function optRecord(
  code: number,
  dnssecOk: boolean,
  options: readonly EdnsOption[] = [],
): ResourceRecord {
  const ttl = ((code >>> 4) << EXTENDED_CODE_SHIFT) | (dnssecOk ? DNSSEC_OK : 0);
  return {
    name: "",
    type: TYPE.OPT,
    class: UDP_SIZE,
    ttl: ttl >>> 0,
    data: { kind: "options", options },
  };
}

interface Parts extends Partial<Pick<Message, "answers" | "authorities" | "truncated">> {
  readonly query?: Query;
}

function encode(
  header: Header,
  code: number,
  { query, answers = [], authorities = [], truncated = false }: Parts,
): Uint8Array<ArrayBuffer> {
  return encodeMessage({
    ...header,
    isResponse: true,
    authoritative: false,
    truncated,
    recursionAvailable: true,
    authenticData: false,
    responseCode: code & 0x0f,
    questions: query === undefined ? [] : [query.question],
    answers,
    authorities,
    additionals: query?.edns === undefined ? [] : [optRecord(code, query.edns.dnssecOk)],
  });
}

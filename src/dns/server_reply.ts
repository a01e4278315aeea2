/**
 * An answer of a server, as it is kept: its bytes, of which only id, flags, question and TTLs are ever changed. So records of every
 * type pass as they came, those that nobody here understands included (HTTPS, SVCB, DNSSEC).
 *
 * OPT is between neighbours (RFC 6891, section 6.1.1), so the server's is taken off, and each asker gets one of ours.
 *
 * @module
 */

import { concatBytes, getU16, getU32, setU16, setU32 } from "../bytes.ts";
import { HEADER_LENGTH, parseHeader, type Question, RCODE } from "./message.ts";
import { canonicalName, readName, writeName } from "./name.ts";
import { answerLimit, type DnsTransport, type Query } from "./query.ts";
import { type EdnsOption, readRecord, type ResourceRecord, TYPE, writeRecord } from "./records.ts";
import { optRecord, truncatedReply } from "./reply.ts";

const FLAGS = 2;
const COUNTS = 4;
const ADDITIONAL_COUNT = 10;
/** Bytes of type and class behind the name, in a question and before the TTL of a record. */
const TYPE_AND_CLASS = 4;

/** The bits of an answer's flags that repeat the query's: opcode, RD, CD. */
const ASKED_FLAGS = 0x7910;
const AUTHENTIC_DATA = 0x0020;

/** A record for longer than a day is asked for anew: mistakes must end some time. */
const MAX_TTL_SECONDS = 86_400;
/** RFC 2308, section 5: one to three hours is as long as a "no" should live. */
const MAX_NEGATIVE_TTL_SECONDS = 10_800;
/** RFC 2181, section 8: a TTL beyond means 0. */
const MAX_TTL_VALUE = 0x7fff_ffff;

/** Options that mean one link and not the answer: NSID, cookie, keep-alive, padding (RFC 5001, 7873, 7828, 7830). */
export const LINK_OPTIONS: ReadonlySet<number> = new Set([3, 10, 11, 12]);

/** A server's answer, checked. */
export interface ServerReply {
  /** Header, question and records, without OPT. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where a TTL stands in them. */
  readonly ttlOffsets: readonly number[];
  /** The whole code, 0 to 4095. */
  readonly code: number;
  /** What the server's OPT says of the answer, for instance why it failed (RFC 8914). */
  readonly options: readonly EdnsOption[];
  /** For how long it may be kept, in seconds; 0 for not at all. */
  readonly ttlSeconds: number;
}

/** Why bytes are no answer to a question. */
export type ReplyDropReason =
  | "dns-truncated-header"
  | "dns-not-a-response"
  | "dns-truncated-response"
  | "dns-other-question"
  | "dns-bad-record"
  | "dns-trailing-bytes";

/** Reads the answer to `question`; a drop reason when it is none. */
export function readServerReply(
  bytes: Uint8Array<ArrayBuffer>,
  question: Question,
): ServerReply | ReplyDropReason {
  const header = parseHeader(bytes);
  if (header === undefined) return "dns-truncated-header";
  if (!header.isResponse || header.opcode !== 0) return "dns-not-a-response";
  if (header.truncated) return "dns-truncated-response";
  const start = questionEnd(bytes, question);
  if (start === undefined) return "dns-other-question";
  const records = readRecords(bytes, start);
  if (typeof records === "string") return records;
  const { opt, ttlOffsets, end } = records;
  const kept = bytes.slice(0, end);
  setU16(kept, ADDITIONAL_COUNT, records.additionalCount);
  const code = header.responseCode | (((opt?.ttl ?? 0) >>> 24) << 4);
  const options = opt?.data.kind === "options" ? opt.data.options : [];
  return {
    bytes: kept,
    ttlOffsets,
    code,
    options: options.filter((option) => !LINK_OPTIONS.has(option.code)),
    ttlSeconds: lifetime(code, question.type, records),
  };
}

/** The end of the one question, if it is the one that was asked. */
function questionEnd(bytes: Uint8Array, { name, type, class: klass }: Question) {
  if (getU16(bytes, COUNTS) !== 1) return undefined;
  const read = readName(bytes, HEADER_LENGTH);
  if (read === undefined || read.end + TYPE_AND_CLASS > bytes.length) return undefined;
  const isSame = canonicalName(read.name) === canonicalName(name) &&
    getU16(bytes, read.end) === type && getU16(bytes, read.end + 2) === klass;
  // A name out of pointers into the header would have another length, and the asker's spelling could not take its place.
  const isWrittenOut = read.end === HEADER_LENGTH + nameBytes(name).length;
  return isSame && isWrittenOut ? read.end + TYPE_AND_CLASS : undefined;
}

function nameBytes(name: string): number[] {
  const bytes: number[] = [];
  writeName(bytes, name);
  return bytes;
}

interface Records {
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** The smallest of all. */
  readonly ttl: number;
  readonly ttlOffsets: readonly number[];
  readonly opt?: ResourceRecord;
  /** The additional records before OPT; what stands behind it is left out, with the signatures of the link (TSIG, SIG(0)). */
  readonly additionalCount: number;
  /** Where they end. */
  readonly end: number;
}

function readRecords(bytes: Uint8Array, start: number): Records | ReplyDropReason {
  const sections: ResourceRecord[][] = [[], [], []];
  const ttlOffsets: number[] = [];
  let [ttl, at, end] = [MAX_TTL_SECONDS, start, -1];
  let opt: ResourceRecord | undefined;
  for (let i = 0; i < sections.length; i++) {
    for (let count = getU16(bytes, COUNTS + 2 + 2 * i); count > 0; count--) {
      const read = readRecord(bytes, at);
      if (read === undefined) return "dns-bad-record";
      const { record } = read;
      if (record.type === TYPE.OPT) {
        if (i < 2 || opt !== undefined) return "dns-bad-record";
        opt = record;
        end = at;
      } else if (opt === undefined) {
        sections[i].push(record);
        ttlOffsets.push(readName(bytes, at)!.end + TYPE_AND_CLASS);
        ttl = Math.min(ttl, boundTtl(record.ttl));
      }
      at = read.end;
    }
  }
  if (at !== bytes.length) return "dns-trailing-bytes";
  const [answers, authorities, additionals] = sections;
  const additionalCount = additionals.length;
  return { answers, authorities, ttl, ttlOffsets, opt, additionalCount, end: opt ? end : at };
}

function boundTtl(ttl: number): number {
  return ttl > MAX_TTL_VALUE ? 0 : Math.min(ttl, MAX_TTL_SECONDS);
}

function lifetime(code: number, type: number, { answers, authorities, ttl }: Records): number {
  if (code !== RCODE.NOERROR && code !== RCODE.NXDOMAIN) return 0;
  const hasAnswer = answers.some((record) => record.type === type) ||
    (type === TYPE.ANY && answers.length > 0);
  if (code === RCODE.NOERROR && hasAnswer) return ttl;
  // RFC 2308, section 5: without a SOA, a "no" is not kept.
  const soa = authorities.find((record) => record.data.kind === "soa")?.data;
  return soa?.kind === "soa" ? Math.min(ttl, soa.minimum, MAX_NEGATIVE_TTL_SECONDS) : 0;
}

/** The answer to `query` that `kept` makes after `ageSeconds`: with the asker's id and spelling, its TTLs run down. */
export function answerFrom(
  kept: ServerReply,
  query: Query,
  ageSeconds: number,
  transport: DnsTransport,
): Uint8Array<ArrayBuffer> {
  const bytes = kept.bytes.slice();
  const { header, question, edns } = query;
  setU16(bytes, 0, header.id);
  // A name has one length in every spelling, and what points to it gets the asker's, too.
  bytes.set(nameBytes(question.name), HEADER_LENGTH);
  for (const at of kept.ttlOffsets) {
    setU32(bytes, at, Math.max(0, boundTtl(getU32(bytes, at)) - ageSeconds));
  }
  setU16(bytes, FLAGS, flagsFor(query, getU16(bytes, FLAGS), kept.code));
  const whole = edns === undefined ? bytes : withOpt(bytes, kept, edns.dnssecOk);
  return whole.length <= answerLimit(query, transport) ? whole : truncatedReply(query);
}

function flagsFor({ header, edns }: Query, flags: number, code: number): number {
  const asked = (header.recursionDesired ? 0x0100 : 0) | (header.checkingDisabled ? 0x0010 : 0);
  // RFC 6840, section 5.7: AD is for those who show that they know it.
  const wantsAd = header.authenticData || (edns?.dnssecOk ?? false);
  const kept = flags & ~ASKED_FLAGS & (wantsAd ? 0xffff : ~AUTHENTIC_DATA);
  // A code of more than four bits cannot be told without EDNS.
  const told = code > 15 && edns === undefined ? RCODE.SERVFAIL : code & 0x0f;
  return (kept & ~0x0f) | asked | told;
}

function withOpt(bytes: Uint8Array, { code, options }: ServerReply, dnssecOk: boolean) {
  const opt: number[] = [];
  writeRecord(opt, optRecord(code, dnssecOk, options), new Map());
  const whole = concatBytes([bytes, Uint8Array.from(opt)]);
  setU16(whole, ADDITIONAL_COUNT, getU16(whole, ADDITIONAL_COUNT) + 1);
  return whole;
}

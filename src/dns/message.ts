/**
 * DNS messages (RFC 1035, section 4) as bytes and as meaning. Foreign bytes give a drop reason, never an exception;
 * the stub resolver of a program is not a trusted peer.
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { type NameOffsets, readName, writeName } from "./name.ts";
import { pushU16, readRecord, type ResourceRecord, TYPE, writeRecord } from "./records.ts";

/** Bytes of the header. */
export const HEADER_LENGTH = 12;
/** The longest message: its length has 16 bits on TCP (RFC 1035, section 4.2.2). */
export const MAX_MESSAGE_LENGTH = 65_535;

/** The one operation that is in daily use. */
export const OPCODE_QUERY = 0;

/** Response codes (IANA "DNS RCODEs"); `BADVERS` needs EDNS for its high bits. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

const FLAGS = 2;
const COUNTS = 4;

const IS_RESPONSE = 0x8000;
const OPCODE_SHIFT = 11;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const AUTHENTIC_DATA = 0x0020;
const CHECKING_DISABLED = 0x0010;

/** The first twelve bytes, without the counts. */
export interface Header {
  readonly id: number;
  readonly isResponse: boolean;
  /** 0 to 15. */
  readonly opcode: number;
  readonly authoritative: boolean;
  /** The message did not fit: ask again over TCP. */
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The low four bits; EDNS has the others. */
  readonly responseCode: number;
}

/** What is asked. */
export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** A whole message. Byte arrays in it are views of the bytes that were read. */
export interface Message extends Header {
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

/** Why bytes are no message. */
export type DnsDropReason =
  | "dns-truncated-header"
  | "dns-bad-question"
  | "dns-bad-record"
  | "dns-trailing-bytes";

/** Reads the header alone; undefined when the bytes are too few. */
export function parseHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined;
  const flags = getU16(bytes, FLAGS);
  return {
    id: getU16(bytes, 0),
    isResponse: (flags & IS_RESPONSE) !== 0,
    opcode: (flags >>> OPCODE_SHIFT) & 0x0f,
    authoritative: (flags & AUTHORITATIVE) !== 0,
    truncated: (flags & TRUNCATED) !== 0,
    recursionDesired: (flags & RECURSION_DESIRED) !== 0,
    recursionAvailable: (flags & RECURSION_AVAILABLE) !== 0,
    authenticData: (flags & AUTHENTIC_DATA) !== 0,
    checkingDisabled: (flags & CHECKING_DISABLED) !== 0,
    responseCode: flags & 0x0f,
  };
}

/**
 * Reads a whole message; a drop reason when it is none. The counts of the header are promises, and memory is spent only on
 * what is there.
 */
export function parseMessage(bytes: Uint8Array): Message | DnsDropReason {
  const header = parseHeader(bytes);
  if (header === undefined) return "dns-truncated-header";
  const questions: Question[] = [];
  let at = HEADER_LENGTH;
  for (let count = getU16(bytes, COUNTS); count > 0; count--) {
    const read = readName(bytes, at);
    if (read === undefined || read.end + 4 > bytes.length) return "dns-bad-question";
    const [type, klass] = [getU16(bytes, read.end), getU16(bytes, read.end + 2)];
    questions.push({ name: read.name, type, class: klass });
    at = read.end + 4;
  }
  const sections: ResourceRecord[][] = [[], [], []];
  for (let i = 0; i < sections.length; i++) {
    for (let count = getU16(bytes, COUNTS + 2 + 2 * i); count > 0; count--) {
      const read = readRecord(bytes, at);
      if (read === undefined) return "dns-bad-record";
      sections[i].push(read.record);
      at = read.end;
    }
  }
  // Bytes that no count announces are a smuggler's or a bug's.
  if (at !== bytes.length) return "dns-trailing-bytes";
  const [answers, authorities, additionals] = sections;
  return { ...header, questions, answers, authorities, additionals };
}

/**
 * The bytes of a message, names compressed. One that has more than `maxLength` bytes loses records from its end, OPT
 * excepted, and gets the TC bit (RFC 2181, section 9).
 *
 * @throws {RangeError} If a name in the message is no domain name
 */
export function encodeMessage(
  message: Message,
  maxLength = MAX_MESSAGE_LENGTH,
): Uint8Array<ArrayBuffer> {
  const out: number[] = new Array(HEADER_LENGTH).fill(0);
  const offsets: NameOffsets = new Map();
  for (const question of message.questions) {
    writeName(out, question.name, offsets);
    pushU16(out, question.type);
    pushU16(out, question.class);
  }
  const sections = [message.answers, message.authorities, message.additionals];
  const counts = [0, 0, 0];
  let room = maxLength - optLength(message.additionals);
  let isCut = false;
  for (let i = 0; i < sections.length; i++) {
    for (const record of sections[i]) {
      const before = out.length;
      const isOpt = record.type === TYPE.OPT;
      if (isCut && !isOpt) continue;
      writeRecord(out, record, offsets);
      if (isOpt) room += out.length - before;
      if (out.length > room) {
        // Only OPT can follow, and its name is the root: no pointer leads into what is taken back here.
        out.length = before;
        isCut = true;
      } else counts[i]++;
    }
  }
  const bytes = Uint8Array.from(out);
  setU16(bytes, 0, message.id);
  setU16(bytes, FLAGS, flagsOf({ ...message, truncated: message.truncated || isCut }));
  setU16(bytes, COUNTS, message.questions.length);
  counts.forEach((count, i) => setU16(bytes, COUNTS + 2 + 2 * i, count));
  return bytes;
}

function optLength(records: readonly ResourceRecord[]): number {
  const out: number[] = [];
  for (const record of records) {
    if (record.type === TYPE.OPT) writeRecord(out, record, new Map());
  }
  return out.length;
}

function flagsOf(header: Header): number {
  const bit = (condition: boolean, value: number) => condition ? value : 0;
  return bit(header.isResponse, IS_RESPONSE) | (header.opcode & 0x0f) << OPCODE_SHIFT |
    bit(header.authoritative, AUTHORITATIVE) | bit(header.truncated, TRUNCATED) |
    bit(header.recursionDesired, RECURSION_DESIRED) |
    bit(header.recursionAvailable, RECURSION_AVAILABLE) |
    bit(header.authenticData, AUTHENTIC_DATA) |
    bit(header.checkingDisabled, CHECKING_DISABLED) | (header.responseCode & 0x0f);
}

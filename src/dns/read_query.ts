/**
 * A program's query, read and checked: where every resolver here begins.
 *
 * @module
 */

import { OPCODE_QUERY, parseHeader, parseMessage, RCODE } from "./message.ts";
import { canonicalName } from "./name.ts";
import { type Edns, PLAIN_UDP_SIZE, type Query } from "./query.ts";
import { type ResourceRecord, TYPE } from "./records.ts";
import { refuse } from "./reply.ts";

const EDNS_VERSION_SHIFT = 16;
const DNSSEC_OK = 0x8000;

/**
 * Reads a query. Bytes in return are the answer to one that cannot be followed; undefined is for what must stay unanswered: too
 * few bytes for a header, and answers, so that two resolvers do not talk to each other for ever.
 */
export function readQuery(bytes: Uint8Array): Query | Uint8Array<ArrayBuffer> | undefined {
  const header = parseHeader(bytes);
  if (header === undefined || header.isResponse) return undefined;
  if (header.opcode !== OPCODE_QUERY) return refuse(header, RCODE.NOTIMP);
  const message = parseMessage(bytes);
  if (typeof message === "string") return refuse(header, RCODE.FORMERR);
  const opts = message.additionals.filter((record) => record.type === TYPE.OPT);
  // RFC 6891, section 6.1.1: more than one OPT is a format error.
  if (message.questions.length !== 1 || opts.length > 1) return refuse(header, RCODE.FORMERR);
  const [question] = message.questions;
  const name = canonicalName(question.name);
  const query = { header, question, name, edns: opts[0] && readEdns(opts[0]) };
  const version = opts.length === 0 ? 0 : (opts[0].ttl >>> EDNS_VERSION_SHIFT) & 0xff;
  return version === 0 ? query : refuse(header, RCODE.BADVERS, query);
}

function readEdns({ class: size, ttl, data }: ResourceRecord): Edns {
  return {
    udpSize: Math.max(size, PLAIN_UDP_SIZE),
    dnssecOk: (ttl & DNSSEC_OK) !== 0,
    options: data.kind === "options" ? data.options : [],
  };
}

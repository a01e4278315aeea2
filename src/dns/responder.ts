/**
 * The resolver that a program meets: it resolves nothing. Every name that could be a host gets a fake address, and the
 * proxy does the resolving once a flow is asked for.
 *
 * So a name that does not exist gets an address too, and its flow is refused with the proxy's `dns_error`. All types but A
 * and AAAA are answered "no such data": HTTPS and SVCB records in particular would carry addresses and keys around the
 * table.
 *
 * An answer has at most 512 bytes (one question, one record, OPT), so none is ever truncated.
 *
 * @module
 */

import { parseIp } from "../wire/address.ts";
import type { FakeAddresses } from "./fake_addresses.ts";
import {
  encodeMessage,
  type Header,
  type Message,
  OPCODE_QUERY,
  parseHeader,
  parseMessage,
  type Question,
  RCODE,
} from "./message.ts";
import { addressOfReverseName, canonicalName, isHostName } from "./name.ts";
import { CLASS_IN, type ResourceRecord, type SoaData, TYPE } from "./records.ts";

/** The largest query we say we take over UDP: no fragment on any usual path (RFC 9715, appendix A). */
const UDP_SIZE = 1232;
const EDNS_VERSION_SHIFT = 16;
const EXTENDED_CODE_SHIFT = 24;
/** "DNSSEC OK", to be copied into the answer (RFC 3225, section 3). */
const DNSSEC_OK = 0x8000;

/** Seconds for which a "no" may be remembered: our noes never change. */
const NEGATIVE_TTL_SECONDS = 300;

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

/** Names that exist nowhere, with those below them: RFC 6761, section 6.4, and RFC 7686. */
const NOWHERE = ["invalid", "onion"];
/** Asked by browsers before they go around the system's resolver: "no" keeps them here. */
const CANARY = "use-application-dns.net";

const LOOPBACK_IPV4 = parseIp("127.0.0.1")!;
const LOOPBACK_IPV6 = parseIp("::1")!;

/** A response code and the records that go with it. */
interface Verdict {
  readonly code: number;
  readonly answers?: readonly ResourceRecord[];
}

const NO_DATA: Verdict = { code: RCODE.NOERROR };
const NO_NAME: Verdict = { code: RCODE.NXDOMAIN };

/** Answers queries out of a table of fake addresses. */
export class Responder {
  readonly #addresses: FakeAddresses;

  /** The table is shared with whoever asks for the name behind a flow's destination. */
  constructor(addresses: FakeAddresses) {
    this.#addresses = addresses;
  }

  /**
   * The answer to a query, with `now` in milliseconds; undefined for what must stay unanswered: bytes too few for a header,
   * and answers, so that two resolvers do not talk to each other for ever.
   */
  answer(query: Uint8Array, now: number): Uint8Array<ArrayBuffer> | undefined {
    const header = parseHeader(query);
    if (header === undefined || header.isResponse) return undefined;
    if (header.opcode !== OPCODE_QUERY) return respond(header, { code: RCODE.NOTIMP });
    const message = parseMessage(query);
    if (typeof message === "string") return respond(header, { code: RCODE.FORMERR });
    const options = message.additionals.filter((record) => record.type === TYPE.OPT);
    // RFC 6891, section 6.1.1: more than one OPT is a format error.
    if (message.questions.length !== 1 || options.length > 1) {
      return respond(header, { code: RCODE.FORMERR });
    }
    const [question] = message.questions;
    const verdict = ednsVersion(options[0]) === 0
      ? this.#decide(question, now)
      : { code: RCODE.BADVERS };
    return respond(header, verdict, question, options[0]);
  }

  #decide(question: Question, now: number): Verdict {
    if (question.class !== CLASS_IN) return { code: RCODE.REFUSED };
    const name = canonicalName(question.name);
    if (name === "") return NO_DATA;
    if (isBelow(name, "localhost")) return answerAddresses(question, LOOPBACK_IPV4, LOOPBACK_IPV6);
    if (isBelow(name, "in-addr.arpa") || isBelow(name, "ip6.arpa")) {
      return this.#decideReverse(question, name, now);
    }
    if (name === CANARY || NOWHERE.some((zone) => isBelow(name, zone))) return NO_NAME;
    if (!isHostName(name)) return NO_NAME;
    if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return NO_DATA;
    const pair = this.#addresses.lookup(name, now);
    if (pair === undefined) return { code: RCODE.SERVFAIL };
    return answerAddresses(question, pair.ipv4, pair.ipv6, this.#addresses.ttlSeconds);
  }

  #decideReverse(question: Question, name: string, now: number): Verdict {
    const address = addressOfReverseName(name);
    const found = address && this.#addresses.nameOf(address, now);
    if (found === undefined) return NO_NAME;
    if (question.type !== TYPE.PTR) return NO_DATA;
    const data = { kind: "name", name: found } as const;
    return { code: RCODE.NOERROR, answers: [record(question, this.#addresses.ttlSeconds, data)] };
  }
}

/** Whether `name` is `zone` or ends in it; both in lower case. */
function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** The address of the family asked for; "no such data" for every other type. */
function answerAddresses(
  question: Question,
  ipv4: Uint8Array,
  ipv6: Uint8Array,
  ttlSeconds = NEGATIVE_TTL_SECONDS,
): Verdict {
  if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return NO_DATA;
  const address = question.type === TYPE.A ? ipv4 : ipv6;
  const answer = record(question, ttlSeconds, { kind: "address", address });
  return { code: RCODE.NOERROR, answers: [answer] };
}

function record(
  question: Question,
  ttl: number,
  data: ResourceRecord["data"],
): ResourceRecord {
  return { name: question.name, type: question.type, class: CLASS_IN, ttl, data };
}

function ednsVersion(option: ResourceRecord | undefined): number {
  return option === undefined ? 0 : (option.ttl >>> EDNS_VERSION_SHIFT) & 0xff;
}

function respond(
  header: Header,
  { code, answers = [] }: Verdict,
  question?: Question,
  option?: ResourceRecord,
): Uint8Array<ArrayBuffer> {
  const isNo = question !== undefined && answers.length === 0 &&
    (code === RCODE.NOERROR || code === RCODE.NXDOMAIN);
  const message: Message = {
    ...header,
    isResponse: true,
    authoritative: false,
    truncated: false,
    recursionAvailable: true,
    authenticData: false,
    responseCode: code & 0x0f,
    questions: question === undefined ? [] : [question],
    answers,
    authorities: isNo ? [AUTHORITY] : [],
    additionals: option === undefined ? [] : [answerOption(option, code)],
  };
  return encodeMessage(message);
}

/** Our OPT record: our size, the high bits of the code, version 0, and the asker's DNSSEC OK. */
function answerOption(asked: ResourceRecord, code: number): ResourceRecord {
  const ttl = ((code >>> 4) << EXTENDED_CODE_SHIFT) | (asked.ttl & DNSSEC_OK);
  return {
    name: "",
    type: TYPE.OPT,
    class: UDP_SIZE,
    ttl: ttl >>> 0,
    data: { kind: "options", options: [] },
  };
}

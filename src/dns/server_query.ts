/**
 * The question as it goes to a server: the same for all who ask the same, and with nothing of the asker in it.
 *
 * @module
 */

import { encodeMessage, type Message, OPCODE_QUERY } from "./message.ts";
import type { Query } from "./query.ts";
import type { EdnsOption } from "./records.ts";
import { optRecord } from "./reply.ts";
import { LINK_OPTIONS } from "./server_reply.ts";

/** RFC 8467, section 4.1: queries come in multiples of 128 bytes, so that their length does not tell the name. */
const PADDING_BLOCK = 128;
const PADDING_OPTION = 12;

/** A question to a server. */
export interface ServerQuery {
  /** The message. Its id is 0, so that equal questions are equal bytes (RFC 8484, section 4.1). */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Equal for questions with the same answer; undefined when the answer is for this asker alone. */
  readonly key: string | undefined;
}

/**
 * The question that `query` becomes. Options of EDNS that mean the link from the asker to us end here; with any other (the client's
 * subnet, RFC 7871) the answer is for those who send it, and is shared with nobody.
 */
export function serverQuery({ header, question, name, edns }: Query): ServerQuery {
  const { type, class: klass } = question;
  const options = (edns?.options ?? []).filter(({ code }) => !LINK_OPTIONS.has(code));
  const dnssecOk = edns?.dnssecOk ?? false;
  const { checkingDisabled } = header;
  const message = (padding: number): Message => ({
    id: 0,
    isResponse: false,
    opcode: OPCODE_QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: true, // asks to be told; the asker gets the bit only if it knows it
    checkingDisabled,
    responseCode: 0,
    questions: [{ name, type, class: klass }],
    answers: [],
    authorities: [],
    additionals: [optRecord(0, dnssecOk, [...options, paddingOption(padding)])],
  });
  const rest = encodeMessage(message(0)).length % PADDING_BLOCK;
  const bytes = encodeMessage(message(rest === 0 ? 0 : PADDING_BLOCK - rest));
  const key = `${type} ${klass} ${+dnssecOk}${+checkingDisabled} ${name}`;
  return { bytes, key: options.length === 0 ? key : undefined };
}

function paddingOption(length: number): EdnsOption {
  return { code: PADDING_OPTION, data: new Uint8Array(length) };
}

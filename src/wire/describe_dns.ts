/**
 * A DNS message in words: what was asked and how it was answered (RFC 1035, section 4.1). Only the head and the question are
 * read; the full codec lives in `dns/`, which imports this room and not the other way.
 *
 * @module
 */

import { getU16 } from "../bytes.ts";

const ID = 0;
const FLAGS = 2;
const QUESTION_COUNT = 4;
const ANSWER_COUNT = 6;
const HEADER = 12;
const IS_RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const MAX_LABEL = 63;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  15: "MX",
  16: "TXT",
  28: "AAAA",
  33: "SRV",
  64: "SVCB",
  65: "HTTPS",
  255: "ANY",
};
const RESPONSE_CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** For instance `DNS query A example.com` or `DNS answer AAAA example.com NOERROR, 1 record`; empty when it is no DNS message. */
export function describeDns(message: Uint8Array): string {
  if (message.length < HEADER) return "";
  const flags = getU16(message, FLAGS);
  const isResponse = (flags & IS_RESPONSE) !== 0;
  const words = ["DNS", isResponse ? "answer" : "query", `id ${getU16(message, ID)}`];
  if (getU16(message, QUESTION_COUNT) > 0) words.push(questionWords(message));
  if (isResponse) {
    const code = flags & 0x0f;
    const count = getU16(message, ANSWER_COUNT);
    words.push(RESPONSE_CODES[code] ?? `code ${code}`);
    words.push(count === 1 ? "with 1 record" : `with ${count} records`);
  }
  if ((flags & TRUNCATED) !== 0) words.push("truncated");
  return words.join(" ");
}

function questionWords(message: Uint8Array): string {
  const labels: string[] = [];
  let at = HEADER;
  // A question is the first name of the message, so there is nothing it could point back to.
  while (at < message.length && message[at] !== 0) {
    const length = message[at];
    if (length > MAX_LABEL || at + 1 + length > message.length) return "with a malformed question";
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  if (at + 3 > message.length) return "with a question cut short";
  const type = getU16(message, at + 1);
  return `${TYPE_NAMES[type] ?? `type ${type}`} ${labels.length > 0 ? labels.join(".") : "."}`;
}

/** Bytes that would upset a terminal or a reader become `\DDD` (RFC 1035, section 5.1). */
function labelText(label: Uint8Array): string {
  let text = "";
  for (const byte of label) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

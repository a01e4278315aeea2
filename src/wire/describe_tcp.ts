/**
 * A TCP segment in words: flags, numbers, and every option (IANA "TCP Option Kind Numbers").
 *
 * @module
 */

import { getU16, getU32 } from "../bytes.ts";
import { describeDns } from "./describe_dns.ts";
import { type Ends, endsWithPorts, PORT_DNS, size } from "./describe_parts.ts";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
const URGENT = 18;
const MIN_HEADER = 20;

const ACK = 0x10;
const URG = 0x20;
/** In the order in which people say them. */
const FLAG_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [0x02, "SYN"],
  [0x01, "FIN"],
  [0x04, "RST"],
  [0x08, "PSH"],
  [ACK, "ACK"],
  [URG, "URG"],
  [0x40, "ECE"],
  [0x80, "CWR"],
];

/** One line about the segment in `bytes`, which may be cut short. */
export function describeTcp(ends: Ends, bytes: Uint8Array): string {
  if (bytes.length < DESTINATION_PORT + 2) {
    return `${ends.source} > ${ends.destination} TCP, ${size(bytes.length)} of its header`;
  }
  const sourcePort = getU16(bytes, SOURCE_PORT);
  const destinationPort = getU16(bytes, DESTINATION_PORT);
  const hosts = endsWithPorts(ends, sourcePort, destinationPort);
  if (bytes.length < MIN_HEADER) {
    // The quotation of an old ICMP error ends here: eight bytes, up to the sequence number (RFC 792).
    const seq = bytes.length >= ACKNOWLEDGMENT ? ` seq ${getU32(bytes, SEQUENCE)}` : "";
    return `${hosts} TCP${seq}, ${size(bytes.length)} of its header`;
  }
  const headerLength = (bytes[DATA_OFFSET] >>> 4) * 4;
  if (headerLength < MIN_HEADER) {
    return `${hosts} TCP with an impossible header length of ${size(headerLength)}`;
  }
  const words = ["TCP", ...headerWords(bytes)];
  words.push(...optionWords(bytes.subarray(MIN_HEADER, headerLength)));
  if (bytes.length < headerLength) words.push("options cut short");
  const payload = bytes.subarray(headerLength);
  const length = payload.length > 0 ? `, ${size(payload.length)}` : "";
  const isDns = sourcePort === PORT_DNS || destinationPort === PORT_DNS;
  // RFC 7766: two bytes of length stand in front of each message.
  const dns = isDns && payload.length > 2 ? describeDns(payload.subarray(2)) : "";
  return `${hosts} ${words.join(" ")}${length}${dns === "" ? "" : `, ${dns}`}`;
}

function headerWords(bytes: Uint8Array): string[] {
  const flags = bytes[FLAGS];
  const names = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  const words = [names.length > 0 ? names.join("+") : "without flags"];
  words.push(`seq ${getU32(bytes, SEQUENCE)}`);
  if ((flags & ACK) !== 0) words.push(`ack ${getU32(bytes, ACKNOWLEDGMENT)}`);
  words.push(`win ${getU16(bytes, WINDOW)}`);
  if ((flags & URG) !== 0) words.push(`urgent ${getU16(bytes, URGENT)}`);
  return words;
}

/** A word for each option, in the order of the header; padding says nothing. */
function optionWords(options: Uint8Array): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < options.length) {
    const kind = options[at];
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < options.length ? options[at + 1] : 0;
    if (length < 2 || at + length > options.length) {
      words.push(`option ${kind} malformed`);
      break;
    }
    words.push(optionWord(kind, options.subarray(at + 2, at + length)));
    at += length;
  }
  return words;
}

function optionWord(kind: number, data: Uint8Array): string {
  if (kind === 2 && data.length === 2) return `mss ${getU16(data, 0)}`;
  if (kind === 3 && data.length === 1) return `wscale ${data[0]}`;
  if (kind === 4 && data.length === 0) return "sackOK";
  if (kind === 5 && data.length % 8 === 0) return `sack ${sackRanges(data)}`;
  if (kind === 8 && data.length === 8) return `ts ${getU32(data, 0)} echo ${getU32(data, 4)}`;
  if (kind === 19) return "md5";
  if (kind === 28 && data.length === 2) return `timeout ${getU16(data, 0)}`;
  if (kind === 29) return "tcp-ao";
  if (kind === 30) return "mptcp";
  if (kind === 34) return data.length === 0 ? "fastopen" : `fastopen ${data.toHex()}`;
  return `option ${kind} (${size(data.length)})`;
}

function sackRanges(data: Uint8Array): string {
  const ranges: string[] = [];
  for (let at = 0; at < data.length; at += 8) {
    ranges.push(`${getU32(data, at)}-${getU32(data, at + 4)}`);
  }
  return ranges.join("+");
}

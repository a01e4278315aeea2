/**
 * Resource records of DNS (RFC 1035, sections 3.2 and 4.1.3): what is read as meaning, and everything else as raw bytes
 * (RFC 3597).
 *
 * @module
 */

import { getU16, getU32 } from "../bytes.ts";
import { IPV4_LENGTH, IPV6_LENGTH } from "../wire/address.ts";
import { type NameOffsets, readName, writeName } from "./name.ts";

/** The types that this codec reads as meaning, by their number (IANA "DNS Parameters"). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;

/** The class of the Internet. */
export const CLASS_IN = 1;

/** The data of a record; which kind a type has is fixed, and a type without one is `raw`. */
export type RecordData =
  | { readonly kind: "address"; readonly address: Uint8Array }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "mx"; readonly preference: number; readonly exchange: string }
  | { readonly kind: "text"; readonly strings: readonly Uint8Array[] }
  | SoaData
  | SrvData
  | { readonly kind: "options"; readonly options: readonly EdnsOption[] }
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

/** Start of a zone of authority; its `minimum` says how long a "no" may be remembered (RFC 2308). */
export interface SoaData {
  readonly kind: "soa";
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** Where a service is (RFC 2782). */
export interface SrvData {
  readonly kind: "srv";
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** One option of EDNS (RFC 6891, section 6.1.2). */
export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** A resource record. In an OPT record, `class` is the sender's UDP size and `ttl` holds flags (RFC 6891, section 6.1.3). */
export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: RecordData;
}

/** Bytes of type, class, TTL and data length behind the name. */
const FIXED_LENGTH = 10;

/** Reads the record at `at`; undefined when it is malformed. */
export function readRecord(
  message: Uint8Array,
  at: number,
): { readonly record: ResourceRecord; readonly end: number } | undefined {
  const read = readName(message, at);
  if (read === undefined || read.end + FIXED_LENGTH > message.length) return undefined;
  const type = getU16(message, read.end);
  const start = read.end + FIXED_LENGTH;
  const end = start + getU16(message, read.end + 8);
  if (end > message.length) return undefined;
  const data = readData(message, type, start, end);
  if (data === undefined) return undefined;
  const ttl = getU32(message, read.end + 4);
  return {
    record: { name: read.name, type, class: getU16(message, read.end + 2), ttl, data },
    end,
  };
}

function readData(
  message: Uint8Array,
  type: number,
  start: number,
  end: number,
): RecordData | undefined {
  const bytes = message.subarray(start, end);
  switch (type) {
    case TYPE.A:
      return bytes.length === IPV4_LENGTH ? { kind: "address", address: bytes } : undefined;
    case TYPE.AAAA:
      return bytes.length === IPV6_LENGTH ? { kind: "address", address: bytes } : undefined;
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR: {
      const name = readNameUpTo(message, start, end);
      return name === undefined ? undefined : { kind: "name", name };
    }
    case TYPE.MX: {
      const exchange = readNameUpTo(message, start + 2, end);
      if (exchange === undefined) return undefined;
      return { kind: "mx", preference: getU16(bytes, 0), exchange };
    }
    case TYPE.SRV: {
      const target = readNameUpTo(message, start + 6, end);
      if (target === undefined) return undefined;
      const [priority, weight, port] = [getU16(bytes, 0), getU16(bytes, 2), getU16(bytes, 4)];
      return { kind: "srv", priority, weight, port, target };
    }
    case TYPE.SOA:
      return readSoa(message, start, end);
    case TYPE.TXT:
      return readText(bytes);
    case TYPE.OPT:
      return readOptions(bytes);
    default:
      return { kind: "raw", bytes };
  }
}

/** A name that has to end exactly at `end`. */
function readNameUpTo(message: Uint8Array, at: number, end: number): string | undefined {
  const read = readName(message, at);
  return read?.end === end ? read.name : undefined;
}

function readSoa(message: Uint8Array, start: number, end: number): SoaData | undefined {
  const primary = readName(message, start);
  const mailbox = primary && readName(message, primary.end);
  if (mailbox === undefined || mailbox.end + 20 !== end) return undefined;
  const number = (index: number) => getU32(message, mailbox.end + 4 * index);
  return {
    kind: "soa",
    primary: primary!.name,
    mailbox: mailbox.name,
    serial: number(0),
    refresh: number(1),
    retry: number(2),
    expire: number(3),
    minimum: number(4),
  };
}

function readText(bytes: Uint8Array): RecordData | undefined {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]) {
    const end = at + 1 + bytes[at];
    if (end > bytes.length) return undefined;
    strings.push(bytes.subarray(at + 1, end));
  }
  return { kind: "text", strings };
}

function readOptions(bytes: Uint8Array): RecordData | undefined {
  const options: EdnsOption[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + getU16(bytes, at + 2);
    if (end > bytes.length) return undefined;
    options.push({ code: getU16(bytes, at), data: bytes.subarray(at + 4, end) });
    at = end;
  }
  return { kind: "options", options };
}

/** Appends a record to `out`, whose first byte is the first of the message. */
export function writeRecord(out: number[], record: ResourceRecord, offsets: NameOffsets): void {
  writeName(out, record.name, offsets);
  pushU16(out, record.type);
  pushU16(out, record.class);
  pushU32(out, record.ttl);
  const lengthAt = out.length;
  pushU16(out, 0);
  writeData(out, record.data, offsets);
  const length = out.length - lengthAt - 2;
  out[lengthAt] = length >>> 8;
  out[lengthAt + 1] = length & 0xff;
}

function writeData(out: number[], data: RecordData, offsets: NameOffsets): void {
  switch (data.kind) {
    case "address":
      return void out.push(...data.address);
    case "name":
      return writeName(out, data.name, offsets);
    case "mx":
      pushU16(out, data.preference);
      return writeName(out, data.exchange, offsets);
    case "srv":
      for (const value of [data.priority, data.weight, data.port]) pushU16(out, value);
      // RFC 2782: the target is never compressed.
      return writeName(out, data.target);
    case "soa":
      writeName(out, data.primary, offsets);
      writeName(out, data.mailbox, offsets);
      for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) {
        pushU32(out, value);
      }
      return;
    case "text":
      for (const string of data.strings) out.push(string.length, ...string);
      return;
    case "options":
      for (const option of data.options) {
        pushU16(out, option.code);
        pushU16(out, option.data.length);
        out.push(...option.data);
      }
      return;
    case "raw":
      for (const byte of data.bytes) out.push(byte);
  }
}

/** Appends 16 bits. */
export function pushU16(out: number[], value: number): void {
  out.push((value >>> 8) & 0xff, value & 0xff);
}

function pushU32(out: number[], value: number): void {
  pushU16(out, value >>> 16);
  pushU16(out, value);
}

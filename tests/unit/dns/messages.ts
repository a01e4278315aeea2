/** Generated DNS messages, in the words of this codec and of `dns-packet`, for tests that compare the two. */

import { Buffer } from "node:buffer";
import type { Message } from "../../../src/dns/message.ts";
import { type RecordData, type ResourceRecord, TYPE } from "../../../src/dns/records.ts";
import { formatIp } from "../../../src/wire/address.ts";
import type { Dice } from "../random.ts";

/** A name with letters of both cases, sharing suffixes with others, sometimes long, sometimes the root. */
export function anyName(dice: Dice): string {
  const labels = ["www", "Example", "example", "com", "a", "xn--bcher-kva", "_tcp", "x".repeat(63)];
  const count = dice.pick([0, 1, 2, 3, 4, 4, 4]);
  const name = Array.from({ length: count }, () => dice.pick(labels)).join(".");
  return name.length <= 253 ? name : "example.com";
}

function anyData(dice: Dice): [number, RecordData] {
  const int16 = () => dice.int(65_536);
  const int32 = () => dice.int(2 ** 32);
  const name = () => anyName(dice);
  switch (dice.int(9)) {
    case 0:
      return [TYPE.A, { kind: "address", address: dice.bytes(4) }];
    case 1:
      return [TYPE.AAAA, { kind: "address", address: dice.bytes(16) }];
    case 2:
      return [dice.pick([TYPE.CNAME, TYPE.NS, TYPE.PTR]), { kind: "name", name: name() }];
    case 3:
      return [TYPE.MX, { kind: "mx", preference: int16(), exchange: name() }];
    case 4:
      return [TYPE.SRV, {
        kind: "srv",
        priority: int16(),
        weight: int16(),
        port: int16(),
        target: name(),
      }];
    case 5:
      return [TYPE.SOA, {
        kind: "soa",
        primary: name(),
        mailbox: name(),
        serial: int32(),
        refresh: int32(),
        retry: int32(),
        expire: int32(),
        minimum: int32(),
      }];
    case 6: {
      const strings = Array.from({ length: 1 + dice.int(3) }, () => dice.bytes(dice.int(256)));
      return [TYPE.TXT, { kind: "text", strings }];
    }
    default:
      return [65_280 + dice.int(16), { kind: "raw", bytes: dice.bytes(dice.int(20)) }];
  }
}

function anyRecord(dice: Dice): ResourceRecord {
  const [type, data] = anyData(dice);
  return { name: anyName(dice), type, class: 1, ttl: dice.int(2 ** 32), data };
}

/** Any well-formed message of this codec. */
export function anyMessage(dice: Dice): Message {
  const flag = () => dice.int(2) === 1;
  const records = () => Array.from({ length: dice.int(4) }, () => anyRecord(dice));
  const option: ResourceRecord = {
    name: "",
    type: TYPE.OPT,
    class: 512 + dice.int(4096),
    ttl: dice.int(2) * 0x8000,
    data: { kind: "options", options: [{ code: 65_001, data: dice.bytes(dice.int(9)) }] },
  };
  const questions = Array.from(
    { length: dice.int(3) },
    () => ({ name: anyName(dice), type: dice.pick([1, 28, 16, 255]), class: 1 }),
  );
  return {
    id: dice.int(65_536),
    isResponse: flag(),
    opcode: dice.pick([0, 4, 5]),
    authoritative: flag(),
    truncated: flag(),
    recursionDesired: flag(),
    recursionAvailable: flag(),
    authenticData: flag(),
    checkingDisabled: flag(),
    responseCode: dice.int(6),
    questions,
    answers: records(),
    authorities: records(),
    additionals: [...records(), ...(flag() ? [option] : [])],
  };
}

/** A record as `dns-packet` says it. */
// deno-lint-ignore no-explicit-any
export function oracleRecord(record: ResourceRecord): any {
  const { data } = record;
  const name = record.name === "" ? "." : record.name;
  if (data.kind === "options") {
    const options = data.options.map(({ code, data }) => ({
      code,
      type: `OPTION_${code}`,
      data: Buffer.from(data),
    }));
    return {
      name: ".",
      type: "OPT",
      udpPayloadSize: record.class,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: record.ttl,
      flag_do: record.ttl === 0x8000,
      options,
    };
  }
  const type = Object.entries(TYPE).find(([, number]) => number === record.type)?.[0];
  const rest = {
    name,
    type: type ?? `UNKNOWN_${record.type}`,
    ttl: record.ttl,
    class: "IN",
    flush: false,
  };
  return { ...rest, data: oracleData(data) };
}

function oracleData(data: RecordData): unknown {
  const dotted = (name: string) => name === "" ? "." : name;
  switch (data.kind) {
    case "address":
      // The library writes its own spelling of IPv6: compare through ours.
      return formatIp(data.address);
    case "name":
      return dotted(data.name);
    case "mx":
      return { preference: data.preference, exchange: dotted(data.exchange) };
    case "srv": {
      const { priority, weight, port, target } = data;
      return { priority, weight, port, target: dotted(target) };
    }
    case "soa": {
      const { serial, refresh, retry, expire, minimum } = data;
      const [mname, rname] = [dotted(data.primary), dotted(data.mailbox)];
      return { mname, rname, serial, refresh, retry, expire, minimum };
    }
    case "text":
      return data.strings.map((string) => Buffer.from(string));
    case "raw":
      return Buffer.from(data.bytes);
  }
}

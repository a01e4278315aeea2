import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import dnsPacket from "npm:dns-packet@5.6.1";
import { encodeMessage, type Message, parseMessage } from "../../../src/dns/message.ts";
import { readName, writeName } from "../../../src/dns/name.ts";
import { formatIp, parseIp } from "../../../src/wire/address.ts";
import { seededDice } from "../random.ts";
import { anyMessage, oracleRecord } from "./messages.ts";

/** Bytes from hex with spaces. */
function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

/** A record of the oracle with its IPv6 address in the form of RFC 5952. */
// deno-lint-ignore no-explicit-any
function normal(record: any): unknown {
  return record.type === "AAAA" ? { ...record, data: formatIp(parseIp(record.data)!) } : record;
}

Deno.test("what this codec writes, dns-packet reads alike, and so does the codec", () => {
  const dice = seededDice(11);
  for (let i = 0; i < 3_000; i++) {
    const message = anyMessage(dice);
    const bytes = encodeMessage(message);
    assertEquals(parseMessage(bytes), message);
    const oracle = dnsPacket.decode(Buffer.from(bytes));
    assertEquals(
      [oracle.answers, oracle.authorities, oracle.additionals].map((list) => list!.map(normal)),
      [message.answers, message.authorities, message.additionals].map((list) =>
        list.map(oracleRecord)
      ),
    );
    assertEquals(
      oracle.questions!.map(({ name }: { name: string }) => name),
      message.questions.map(({ name }) => name === "" ? "." : name),
    );
  }
});

Deno.test("what dns-packet writes, this codec reads alike, though it compresses nothing", () => {
  const dice = seededDice(12);
  for (let i = 0; i < 3_000; i++) {
    const message = anyMessage(dice);
    const sections = {
      answers: message.answers.map(oracleRecord),
      authorities: message.authorities.map(oracleRecord),
      additionals: message.additionals.map(oracleRecord),
    };
    const flags = message.recursionDesired ? dnsPacket.RECURSION_DESIRED : 0;
    const bytes = dnsPacket.encode({
      type: message.isResponse ? "response" : "query",
      id: message.id,
      flags,
      questions: message.questions.map(({ name }) => ({ type: "A", class: "IN", name })),
      ...sections,
    });
    const read = parseMessage(new Uint8Array(bytes)) as Message;
    assertEquals(read.answers, message.answers);
    assertEquals(read.authorities, message.authorities);
    assertEquals(read.additionals, message.additionals);
    assertEquals([read.id, read.isResponse], [message.id, message.isResponse]);
    assertEquals(read.recursionDesired, message.recursionDesired);
    assert(encodeMessage(read).length <= bytes.length);
  }
});

Deno.test("a message cut at any length is dropped with a reason", () => {
  const dice = seededDice(13);
  for (let i = 0; i < 100; i++) {
    const bytes = encodeMessage(anyMessage(dice));
    for (let length = 0; length < bytes.length; length++) {
      const read = parseMessage(bytes.subarray(0, length));
      assert(typeof read === "string", `${bytes.toHex()} was read when cut at ${length}`);
    }
    assertEquals(parseMessage(Uint8Array.from([...bytes, 0])), "dns-trailing-bytes");
  }
});

Deno.test("bytes turned over give a message or a reason, and a message can be written again", () => {
  const dice = seededDice(14);
  for (let i = 0; i < 5_000; i++) {
    const bytes = encodeMessage(anyMessage(dice));
    for (let n = dice.int(4); n >= 0; n--) bytes[dice.int(bytes.length)] = dice.int(256);
    const read = parseMessage(bytes);
    if (typeof read === "string") continue;
    assertEquals(parseMessage(encodeMessage(read)), read, bytes.toHex());
  }
});

Deno.test("pointers that loop, look ahead or leave the message are refused", () => {
  const cases: [string, string][] = [
    ["c00c", "to itself"],
    ["c00e c00c", "to each other"],
    ["01 61 c00c", "to the label it stands behind"],
    ["c00d 00", "into its own second byte"],
    ["c0ff", "behind the end"],
    ["c0", "cut in half"],
    ["40", "of a label type that is not in use"],
    ["80 00", "of the other label type that is not in use"],
    ["3f 61", "a label longer than the message"],
    ["01 61", "without an end"],
    ["", "nothing"],
  ];
  for (const [bytes, words] of cases) {
    assertEquals(readName(hex(`${"00".repeat(12)} ${bytes}`), 12), undefined, words);
  }
  const message = hex("0001 0100 0001 0000 0000 0000 c00c 0001 0001");
  assertEquals(parseMessage(message), "dns-bad-question");
});

Deno.test("a chain of pointers leads back step by step, and the place behind the first counts", () => {
  const bytes = hex("03 636f6d 00  01 62 c000  01 61 c005 ff");
  assertEquals(readName(bytes, 9), { name: "a.b.com", end: 13 });
});

Deno.test("a name that grows beyond 255 bytes through pointers is refused", () => {
  const out: number[] = [];
  const label = "x".repeat(63);
  writeName(out, [label, label, label, "y".repeat(61)].join("."));
  assertEquals(out.length, 255);
  const at = out.length;
  assertEquals(readName(Uint8Array.of(...out, 0xc0, 0), at)?.end, at + 2);
  assertEquals(readName(Uint8Array.of(...out, 1, 0x7a, 0xc0, 0), at), undefined);
});

Deno.test("labels with dots, spaces and other bytes come back as they were", () => {
  const bytes = hex("05 612e5c20ff 00");
  assertEquals(readName(bytes, 0), { name: "a\\046\\092\\032\\255", end: 7 });
  const out: number[] = [];
  writeName(out, "a\\046\\092\\032\\255");
  assertEquals(Uint8Array.from(out), bytes);
});

Deno.test("names that are none throw with a sentence", () => {
  const cases: [string, string][] = [
    ["a..b", "empty label"],
    [".", "empty label"],
    ["x".repeat(64), "more than 63"],
    [`${"x".repeat(63)}.`.repeat(4) + "y", "more than 255"],
    ["b\u00fccher.example\u20ac", "Punycode"],
    ["a\\4", "three digits"],
    ["a\\999", "Punycode"],
  ];
  for (const [name, words] of cases) assertThrows(() => writeName([], name), RangeError, words);
});

Deno.test("the counts of a header are no promise of memory", () => {
  const message = hex("0001 0100 ffff ffff ffff ffff");
  assertEquals(parseMessage(message), "dns-bad-question");
});

Deno.test("a message too long for its road loses records from the end, says so, and keeps OPT", () => {
  const dice = seededDice(15);
  let cut = 0;
  for (let i = 0; i < 500; i++) {
    const message = anyMessage(dice);
    const whole = encodeMessage(message);
    const maxLength = 300 + dice.int(300);
    const bytes = encodeMessage(message, maxLength);
    const read = parseMessage(bytes) as Message;
    assertEquals(read.questions, message.questions);
    if (whole.length <= maxLength) {
      assertEquals(bytes, whole);
      continue;
    }
    cut++;
    assert(bytes.length <= maxLength || read.answers.length === 0);
    assertEquals(read.truncated, true);
    assertEquals(read.answers, message.answers.slice(0, read.answers.length));
    const options = (list: Message["additionals"]) => list.filter(({ type }) => type === 41);
    assertEquals(options(read.additionals), options(message.additionals));
  }
  assert(cut > 50, `only ${cut} of the generated messages were too long`);
});

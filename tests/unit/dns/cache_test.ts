import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { ReplyCache } from "../../../src/dns/cache.ts";
import { encodeMessage, parseMessage } from "../../../src/dns/message.ts";
import type { Query } from "../../../src/dns/query.ts";
import { readQuery } from "../../../src/dns/read_query.ts";
import { serverQuery } from "../../../src/dns/server_query.ts";
import { answerFrom, readServerReply, type ServerReply } from "../../../src/dns/server_reply.ts";
import { answerOf, dnsDecode, dnsQuery, type QueryOptions, type Zone } from "../../support/dns.ts";
import { seededDice } from "../random.ts";
import { anyMessage } from "./messages.ts";

/** Priority 1, the name itself, ALPN h2 (RFC 9460). */
const SVC_DATA = Uint8Array.of(0, 1, 0, 0, 1, 0, 3, 2, 0x68, 0x32);

const ZONE: Zone = {
  "a.test A": [{ type: "A", ttl: 300, data: "192.0.2.1" }, {
    type: "A",
    ttl: 100,
    data: "192.0.2.2",
  }],
  "a.test TXT": [{ type: "TXT", ttl: 60, data: Array(20).fill("x".repeat(200)) }],
  "long.test A": [{ type: "A", ttl: 4_000_000, data: "192.0.2.1" }],
  "zero.test A": [{ type: "A", ttl: 0, data: "192.0.2.1" }],
  "signed.test A": [{ type: "A", ttl: 0x8000_0000, data: "192.0.2.1" }],
  "broken.test A": 2,
  "svc.test UNKNOWN_65": [{ type: "UNKNOWN_65", ttl: 60, data: Buffer.from(SVC_DATA) }],
};

function query(name: string, options?: QueryOptions): Query {
  const read = readQuery(dnsQuery(name, options));
  assert(read !== undefined && !(read instanceof Uint8Array));
  return read;
}

/** What the zone's server says to a query. */
function replyTo(asked: Query): ServerReply {
  const read = readServerReply(answerOf(ZONE, serverQuery(asked).bytes)!, asked.question);
  assert(typeof read !== "string", String(read));
  return read;
}

/** Asks an empty cache at 0 and keeps what the server says; then `ask` asks the cache alone. */
function cached(name: string, options?: QueryOptions, ageSeconds = 0) {
  const cache = new ReplyCache();
  const first = query(name, options);
  const { key } = serverQuery(first);
  cache.put(key!, replyTo(first), ageSeconds, 0);
  return (seconds: number, other: QueryOptions = options ?? {}, spelled = name) => {
    const asked = query(spelled, other);
    const { key } = serverQuery(asked);
    const answer = cache.answer(key!, asked, seconds * 1000, "tcp");
    return answer && dnsDecode(answer);
  };
}

Deno.test("TTLs run down, and the answer goes with the first that has run out", () => {
  const ask = cached("a.test");
  const ttls = (seconds: number) => ask(seconds)?.answers.map(({ ttl }: { ttl: number }) => ttl);
  assertEquals(ttls(0), [300, 100]);
  assertEquals(ttls(0.9), [300, 100]);
  assertEquals(ttls(40), [260, 60]);
  assertEquals(ttls(99.9), [201, 1]);
  assertEquals(ttls(100), undefined);
  assertEquals(ttls(0), undefined); // it is gone for good
});

Deno.test("what the answer spent in a cache on its way is no longer left", () => {
  const ask = cached("a.test", {}, 70);
  assertEquals(ask(10).answers[1].ttl, 20);
  assertEquals(ask(30), undefined);
});

Deno.test("a no is kept as long as the smaller of its SOA's TTL and minimum, and not without SOA", () => {
  for (const name of ["nowhere.test", "long.test"]) { // no such name, no such data
    const ask = cached(name, { type: "AAAA" });
    assertEquals(ask(59).authorities[0].ttl, 61);
    assertEquals(ask(60), undefined);
  }
  const asked = query("long.test", { type: "AAAA" });
  const bare = {
    ...parseMessage(answerOf(ZONE, serverQuery(asked).bytes)!) as object,
    authorities: [],
  };
  const read = readServerReply(encodeMessage(bare as never), asked.question);
  assertEquals((read as ServerReply).ttlSeconds, 0);
});

Deno.test("a TTL is a day at most, one beyond 31 bits is none, and failures are not kept", () => {
  const ask = cached("long.test");
  assertEquals(ask(0).answers[0].ttl, 86_400);
  assertEquals(ask(86_400), undefined);
  for (const name of ["zero.test", "signed.test", "broken.test"]) {
    assertEquals(cached(name)(0), undefined, name);
  }
});

Deno.test("an answer has the asker's id, spelling and flags, and OPT only for who sent one", () => {
  const ask = cached("a.test");
  const answer = ask(1, { id: 9, udpSize: 4096 }, "A.Test");
  assertEquals([answer.id, answer.questions[0].name, answer.flag_rd], [9, "A.Test", true]);
  assertEquals(answer.additionals.map(({ type }: { type: string }) => type), ["OPT"]);
  const plain = ask(1, { flags: 0 });
  assertEquals([plain.flag_rd, plain.additionals.length], [false, 0]);
});

Deno.test("class, type, DNSSEC OK and checking disabled tell questions apart, the spelling does not", () => {
  const key = (name: string, options?: QueryOptions) => serverQuery(query(name, options)).key;
  const keys = [
    key("a.test"),
    key("b.test"),
    key("a.test", { type: "AAAA" }),
    key("a.test", { class: "CH" }),
    key("a.test", { dnssecOk: true }),
    key("a.test", { flags: 0x0110 }),
  ];
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(key("A.TEST", { id: 3, udpSize: 4096 }), key("a.test"));
});

Deno.test("a question to a server has id 0, padding, and nothing of the asker's link", () => {
  const cookie = { code: 10, data: new Uint8Array(8) };
  const plain = serverQuery(query("a.test", { id: 77 }));
  const sent = dnsDecode(plain.bytes);
  assertEquals([sent.id, sent.flag_rd, sent.questions.length], [0, true, 1]);
  assertEquals(plain.bytes.length % 128, 0);
  assertEquals(serverQuery(query("A.test", { options: [cookie] })).bytes, plain.bytes);
  // A client's subnet changes the answer: it is passed on, and the answer is shared with nobody.
  const subnet = { code: 8, data: Uint8Array.of(0, 1, 24, 0, 192, 0, 2) };
  const special = serverQuery(query("a.test", { options: [subnet, cookie] }));
  assertEquals(special.key, undefined);
  const codes = dnsDecode(special.bytes).additionals[0].options.map(({ code }: { code: number }) =>
    code
  );
  assertEquals(codes, [8, 12]);
});

Deno.test("an answer too long for UDP comes as the TC bit alone, and whole where it fits", () => {
  const sized = (udpSize: number | undefined, transport: "udp" | "tcp") => {
    const asked = query("a.test", { type: "TXT", udpSize });
    return answerFrom(replyTo(asked), asked, 0, transport);
  };
  for (const size of [undefined, 512, 1232, 4000]) {
    const answer = sized(size, "udp");
    assert(answer.length <= (size ?? 512));
    assertEquals(dnsDecode(answer).flag_tc, true);
    assertEquals(dnsDecode(answer).answers, []);
  }
  for (const answer of [sized(4096, "udp"), sized(65_535, "udp"), sized(undefined, "tcp")]) {
    assertEquals(dnsDecode(answer).flag_tc, false);
    assertEquals(dnsDecode(answer).answers[0].data.length, 20);
  }
});

Deno.test("records that nobody here understands pass as they came", () => {
  const asked = query("svc.test", { type: "UNKNOWN_65" });
  const answer = dnsDecode(answerFrom(replyTo(asked), asked, 0, "udp"));
  assertEquals(answer.answers[0].type, "UNKNOWN_65");
  assertEquals(new Uint8Array(answer.answers[0].data), SVC_DATA);
});

Deno.test("what is no answer to the question is dropped with a reason", () => {
  const asked = query("a.test");
  const good = answerOf(ZONE, serverQuery(asked).bytes)!;
  const read = (change: (bytes: Uint8Array) => Uint8Array | void, to = asked) => {
    const bytes = good.slice();
    return readServerReply(new Uint8Array(change(bytes) ?? bytes), to.question);
  };
  assertEquals(read((bytes) => bytes.subarray(0, 11)), "dns-truncated-header");
  assertEquals(read((bytes) => void (bytes[2] &= 0x7f)), "dns-not-a-response");
  assertEquals(read((bytes) => void (bytes[2] |= 0x02)), "dns-truncated-response");
  assertEquals(read(() => {}, query("b.test")), "dns-other-question");
  assertEquals(read(() => {}, query("a.test", { type: "AAAA" })), "dns-other-question");
  assertEquals(read((bytes) => void (bytes[5] = 2)), "dns-other-question");
  assertEquals(read((bytes) => new Uint8Array([...bytes, 0])), "dns-trailing-bytes");
  assertEquals(read((bytes) => void (bytes[7] = 200)), "dns-bad-record");
  for (let length = 0; length < good.length; length++) {
    assert(typeof read((bytes) => bytes.subarray(0, length)) === "string", `cut at ${length}`);
  }
});

Deno.test("a question spelled with a pointer into the header is not the one that was asked", () => {
  // The id and the flags read as a name: 1 "\x80" and a root behind it.
  const bytes = Uint8Array.of(1, 0x61, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 1, 0, 1);
  const read = readServerReply(bytes, { name: "a", type: 1, class: 1 });
  assertEquals(read, "dns-other-question");
});

Deno.test("whatever a server sends gives an answer that can be read, or a reason", () => {
  const dice = seededDice(8484);
  let good = 0;
  for (let i = 0; i < 3000; i++) {
    const message = { ...anyMessage(dice), isResponse: true, opcode: 0, truncated: false };
    if (message.questions.length !== 1) continue;
    const bytes = encodeMessage(message);
    const { name } = message.questions[0];
    if (dice.int(2) === 0) bytes[dice.int(bytes.length)] = dice.int(256);
    const question = message.questions[0];
    const reply = readServerReply(bytes, question);
    if (typeof reply === "string") continue;
    good++;
    const asked = { ...query("x.test"), question, name: name.toLowerCase() };
    const answer = answerFrom(reply, asked, dice.int(1000), "tcp");
    const again = parseMessage(answer);
    assert(typeof again !== "string", `${again}`);
    assertEquals(again.questions, [question]);
  }
  assert(good > 500, `only ${good}`);
});

Deno.test("a cache is bounded in entries and bytes, and the longest unused gives way", () => {
  const asked = query("a.test");
  const reply = replyTo(asked);
  const few = new ReplyCache({ entries: 3 });
  for (const key of ["1", "2", "3"]) few.put(key, reply, 0, 0);
  assert(few.answer("1", asked, 0, "tcp"));
  few.put("4", reply, 0, 0);
  const kept = ["1", "2", "3", "4"].filter((key) => few.answer(key, asked, 0, "tcp"));
  assertEquals(kept, ["1", "3", "4"]);
  const small = new ReplyCache({ bytes: 4 * (reply.bytes.length + 256) });
  for (let i = 0; i < 100; i++) small.put(`${i}`, reply, 0, 0);
  assertEquals(small.size, 4);
  // The same key again costs nothing more.
  for (let i = 0; i < 100; i++) small.put("same", reply, 0, 0);
  assertEquals(small.size, 4);
});

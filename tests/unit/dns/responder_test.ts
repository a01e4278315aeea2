import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import dnsPacket from "npm:dns-packet@5.6.1";
import { FakeAddresses } from "../../../src/dns/fake_addresses.ts";
import { encodeMessage, type Message, parseMessage } from "../../../src/dns/message.ts";
import { addressOfReverseName, isHostName, reverseName } from "../../../src/dns/name.ts";
import { Responder } from "../../../src/dns/responder.ts";
import { formatIp, parseIp } from "../../../src/wire/address.ts";
import { seededDice } from "../random.ts";
import { anyMessage } from "./messages.ts";

/** A query of the template of which a test changes what is interesting. */
function query(name: string, type: number, change: Partial<Message> = {}): Uint8Array<ArrayBuffer> {
  return encodeMessage({
    id: 4711,
    isResponse: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    responseCode: 0,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
    ...change,
  });
}

const [A, AAAA, PTR, TXT, HTTPS, ANY] = [1, 28, 12, 16, 65, 255];

/** What a fresh responder answers. */
function ask(bytes: Uint8Array, responder = new Responder(new FakeAddresses())): Message {
  const answer = responder.answer(bytes, 0);
  assert(answer !== undefined, "no answer");
  assert(answer.length <= 512, `an answer of ${answer.length} bytes`);
  const read = parseMessage(answer);
  assert(typeof read !== "string", String(read));
  // Whoever wrote it, another implementation must be able to read it.
  dnsPacket.decode(Buffer.from(answer));
  return read;
}

/** Response code and the addresses or names of the answers. */
function told(message: Message): string {
  const words = message.answers.map(({ data }) =>
    data.kind === "address" ? formatIp(data.address) : data.kind === "name" ? data.name : data.kind
  );
  return [message.responseCode, ...words].join(" ");
}

Deno.test("A and AAAA get the fake addresses of the name, for a minute", () => {
  const responder = new Responder(new FakeAddresses());
  const answer = ask(query("example.com", A), responder);
  assertEquals(told(answer), "0 198.18.0.3");
  assertEquals(answer.answers[0].ttl, 60);
  assertEquals(told(ask(query("example.com", AAAA), responder)), "0 fd70:3c7b:a352::3");
});

Deno.test("an answer repeats id, question and the asker's spelling, and offers recursion", () => {
  const answer = ask(query("wWw.ExAmPle.cOm", A, { checkingDisabled: true }));
  assertEquals(answer.id, 4711);
  assertEquals(answer.questions, [{ name: "wWw.ExAmPle.cOm", type: A, class: 1 }]);
  assertEquals(answer.answers[0].name, "wWw.ExAmPle.cOm");
  assertEquals([answer.isResponse, answer.recursionAvailable], [true, true]);
  assertEquals([answer.recursionDesired, answer.checkingDisabled], [true, true]);
  assertEquals([answer.authoritative, answer.authenticData], [false, false]);
});

Deno.test("every other type of a host is no data, with a SOA to remember it by", () => {
  for (const type of [TXT, HTTPS, ANY, 2, 5, 6, 15, 33, 64, 257, 65_535]) {
    const answer = ask(query("example.com", type));
    assertEquals(told(answer), "0", `type ${type}`);
    const [soa] = answer.authorities;
    assert(soa.data.kind === "soa");
    assertEquals([soa.name, soa.ttl, soa.data.minimum], ["", 300, 300]);
  }
});

Deno.test("a question without an address takes none from the table", () => {
  const table = new FakeAddresses();
  const responder = new Responder(table);
  for (const name of ["example.com", "nope.invalid", "1.2.3.4"]) ask(query(name, TXT), responder);
  assertEquals(table.size, 0);
});

Deno.test("a fake address tells its name, in both families, and no other address does", () => {
  const responder = new Responder(new FakeAddresses());
  ask(query("example.com", A), responder);
  for (const text of ["198.18.0.3", "fd70:3c7b:a352::3"]) {
    const name = reverseName(parseIp(text)!);
    assertEquals(told(ask(query(name.toUpperCase(), PTR), responder)), "0 example.com");
    assertEquals(told(ask(query(name, TXT), responder)), "0");
  }
  for (const text of ["198.18.0.2", "198.18.0.4", "8.8.8.8", "2001:db8::1"]) {
    const answer = ask(query(reverseName(parseIp(text)!), PTR), responder);
    assertEquals(told(answer), "3", text);
    assertEquals(answer.authorities.length, 1);
  }
  for (const name of ["18.198.in-addr.arpa", "256.0.18.198.in-addr.arpa", "x.ip6.arpa"]) {
    assertEquals(told(ask(query(name, PTR), responder)), "3", name);
  }
});

Deno.test("localhost and all below it is this machine", () => {
  for (const name of ["localhost", "LocalHost", "foo.localhost"]) {
    assertEquals(told(ask(query(name, A))), "0 127.0.0.1");
    assertEquals(told(ask(query(name, AAAA))), "0 ::1");
    assertEquals(told(ask(query(name, TXT))), "0");
  }
  assertEquals(told(ask(query("notlocalhost", A))), "0 198.18.0.3");
});

Deno.test("names that exist nowhere, that browsers ask to get around us, or that read like addresses do not exist", () => {
  for (
    const name of [
      "use-application-dns.net",
      "Use-Application-DNS.net",
      "invalid",
      "a.invalid",
      "a.onion",
      "1.2.3.4",
      "127.1",
      "2130706433",
      "0x7f.0x1",
      "example.com.1",
      "a b.example",
      "a\\046b.example",
      "caf\\195\\169.example",
      "a/b",
      "[::1]",
      "fe80::1",
    ]
  ) {
    const answer = ask(query(name, A));
    assertEquals(told(answer), "3", name);
    assertEquals(answer.authorities.length, 1, name);
  }
  assertEquals(told(ask(query("www.use-application-dns.net", A))), "0 198.18.0.3");
});

Deno.test("the root has no address", () => {
  assertEquals(told(ask(query("", A))), "0");
});

Deno.test("a table full of live names is a server failure, not a lie", () => {
  const table = new FakeAddresses({ capacity: 1 });
  table.retain(table.lookup("a", 0)!.ipv4);
  const answer = ask(query("b", A), new Responder(table));
  assertEquals(told(answer), "2");
  assertEquals(answer.authorities, []);
});

Deno.test("what is not a plain query is refused with the code that says why", () => {
  for (const opcode of [1, 2, 4, 5, 6, 15]) {
    assertEquals(told(ask(query("example.com", A, { opcode }))), "4", `opcode ${opcode}`);
  }
  assertEquals(told(ask(query("example.com", A, { questions: [] }))), "1");
  const question = { name: "example.com", type: A, class: 1 };
  assertEquals(told(ask(query("", A, { questions: [question, question] }))), "1");
  for (const klass of [0, 3, 4, 254, 255]) {
    const questions = [{ ...question, class: klass }];
    assertEquals(told(ask(query("", A, { questions }))), "5", `class ${klass}`);
  }
});

Deno.test("answers and scraps are not answered", () => {
  const responder = new Responder(new FakeAddresses());
  assertEquals(responder.answer(query("example.com", A, { isResponse: true }), 0), undefined);
  const bytes = query("example.com", A);
  for (let length = 0; length < 12; length++) {
    assertEquals(responder.answer(bytes.subarray(0, length), 0), undefined);
  }
});

Deno.test("a query cut behind its header is a format error with its id", () => {
  const bytes = query("example.com", A);
  for (let length = 12; length < bytes.length; length++) {
    const answer = ask(bytes.subarray(0, length));
    assertEquals(told(answer), "1");
    assertEquals([answer.id, answer.questions.length], [4711, 0]);
  }
});

Deno.test("EDNS is answered with our size and the asker's DNSSEC OK, and only when asked", () => {
  const option = (ttl: number) => ({
    name: "",
    type: 41,
    class: 4096,
    ttl,
    data: { kind: "options", options: [{ code: 10, data: new Uint8Array(8) }] },
  } as const);
  assertEquals(ask(query("example.com", A)).additionals, []);
  for (const ttl of [0, 0x8000]) {
    const [answer] = ask(query("example.com", A, { additionals: [option(ttl)] })).additionals;
    assertEquals([answer.type, answer.class, answer.ttl, answer.name], [41, 1232, ttl, ""]);
    assertEquals(answer.data, { kind: "options", options: [] });
  }
  const version1 = ask(query("example.com", A, { additionals: [option(0x10000)] }));
  assertEquals(
    [version1.responseCode, version1.additionals[0].ttl >>> 24],
    [0, 1],
    "BADVERS is 16",
  );
  assertEquals(version1.answers, []);
  const twice = ask(query("example.com", A, { additionals: [option(0), option(0)] }));
  assertEquals(told(twice), "1");
});

Deno.test("whatever is asked, the answer is short, readable, and an answer to it", () => {
  const dice = seededDice(31);
  const responder = new Responder(new FakeAddresses());
  for (let i = 0; i < 4_000; i++) {
    const message = { ...anyMessage(dice), isResponse: false, opcode: dice.pick([0, 0, 0, 5]) };
    const bytes = encodeMessage(message);
    if (dice.int(2) === 0) bytes[2 + dice.int(bytes.length - 2)] = dice.int(256);
    if ((bytes[2] & 0x80) !== 0) continue;
    const answer = ask(bytes, responder);
    assertEquals([answer.id, answer.isResponse], [message.id, true]);
  }
});

Deno.test("the longest name gets its answer in 512 bytes", () => {
  const label = "x".repeat(63);
  const name = [label, label, label, "y".repeat(61)].join(".");
  const table = new FakeAddresses();
  const responder = new Responder(table);
  assertEquals(told(ask(query(name, A), responder)), "0 198.18.0.3");
  assertEquals(told(ask(query("3.0.18.198.in-addr.arpa", PTR), responder)), `0 ${name}`);
});

Deno.test("reverse names and addresses turn into each other", () => {
  const dice = seededDice(32);
  for (let i = 0; i < 500; i++) {
    const address = dice.bytes(dice.pick([4, 16]));
    assertEquals(addressOfReverseName(reverseName(address)), address);
  }
});

Deno.test("a host name can stand in an authority", () => {
  for (const name of ["a", "a.b", "xn--bcher-kva.example", "_dmarc.a", "1.a", "a1", "-a"]) {
    assertEquals(isHostName(name), true, name);
  }
  const label = "x".repeat(63);
  for (
    const name of ["", ".", "a.", ".a", "a..b", "a b", "a:1", "a@b", "1", "a.1", "a.0x1", "a.0x"]
  ) {
    assertEquals(isHostName(name), false, name);
  }
  assertEquals(isHostName([label, label, label, "y".repeat(62)].join(".")), false);
});

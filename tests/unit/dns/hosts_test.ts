import { assertEquals } from "@std/assert";
import { Hosts } from "../../../src/dns/hosts.ts";
import { FakeAddresses } from "../../../src/dns/fake_addresses.ts";
import { Responder } from "../../../src/dns/responder.ts";
import { formatIp, parseIp } from "../../../src/wire/address.ts";
import { dnsDecode, dnsQuery } from "../../support/dns.ts";

const FILE = `# a comment
127.0.0.1\tlocalhost
::1 localhost ip6-localhost   # behind it, too
  192.0.2.1   Web.Test www\r
2001:db8::1 web.test
192.0.2.2 web.test
192.0.2.1 web.test other.test

fe80::1%eth0 scoped.test
300.1.1.1 bad.test
192.0.2.3
192.0.2.4 no_such!name
`;

Deno.test("a hosts file gives names their addresses, in its order and each once", () => {
  const hosts = new Hosts(FILE);
  const of = (name: string) => hosts.addressesOf(name)?.map((address) => formatIp(address));
  assertEquals(of("web.test"), ["192.0.2.1", "2001:db8::1", "192.0.2.2"]);
  assertEquals([of("www"), of("other.test")], [["192.0.2.1"], ["192.0.2.1"]]);
  assertEquals(of("localhost"), ["127.0.0.1", "::1"]);
  assertEquals(of("nowhere.test"), undefined);
});

Deno.test("an address has the first name that the file gives it", () => {
  const hosts = new Hosts(FILE);
  const of = (address: string) => hosts.nameOf(parseIp(address)!);
  assertEquals([of("192.0.2.1"), of("2001:db8::1"), of("192.0.2.9")], [
    "Web.Test",
    "web.test",
    undefined,
  ]);
});

Deno.test("lines that say nothing are left out and noted", () => {
  assertEquals(new Hosts(FILE).badLines, [9, 10, 11, 12]);
  assertEquals(new Hosts("").size, 0);
});

Deno.test("with fake addresses, too, the file comes first, and the rest is made up", () => {
  const responder = new Responder(new FakeAddresses(), new Hosts(FILE));
  const ask = (name: string, type: string, transport: "udp" | "tcp" = "udp") => {
    const answer = dnsDecode(responder.answer(dnsQuery(name, { type }), 0, transport)!);
    return [answer.rcode, ...answer.answers.map(({ data }: { data: string }) => data)];
  };
  assertEquals(ask("WEB.test", "A"), ["NOERROR", "192.0.2.1", "192.0.2.2"]);
  assertEquals(ask("other.test", "AAAA"), ["NOERROR"]);
  assertEquals(ask("web.test", "TXT"), ["NOERROR"]);
  assertEquals(ask("1.2.0.192.in-addr.arpa", "PTR"), ["NOERROR", "Web.Test"]);
  assertEquals(ask("9.2.0.192.in-addr.arpa", "PTR"), ["NXDOMAIN"]);
  assertEquals(ask("made.test", "A"), ["NOERROR", "198.18.0.3"]);
});

Deno.test("a name with many addresses is cut for UDP, and whole over TCP", () => {
  const lines = Array.from({ length: 100 }, (_, i) => `192.0.2.${i} many.test`);
  const responder = new Responder(new FakeAddresses(), new Hosts(lines.join("\n")));
  const ask = (transport: "udp" | "tcp") =>
    dnsDecode(responder.answer(dnsQuery("many.test"), 0, transport)!);
  assertEquals([ask("udp").flag_tc, ask("udp").answers.length], [true, 0]);
  assertEquals([ask("tcp").flag_tc, ask("tcp").answers.length], [false, 100]);
});

Deno.test("without IPv6 a made-up name has no AAAA", () => {
  const responder = new Responder(new FakeAddresses(), new Hosts(), false);
  const answer = dnsDecode(responder.answer(dnsQuery("a.test", { type: "AAAA" }), 0)!);
  assertEquals([answer.rcode, answer.answers.length], ["NOERROR", 0]);
});

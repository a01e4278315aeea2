import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DohResolver, type DohResolverOptions } from "../../../src/dns/resolver.ts";
import { fetchThrough } from "../../../src/tunnel/origin/fetch_through.ts";
import { CERT } from "../../support/certificate.ts";
import {
  answerOf,
  dnsDecode,
  dnsQuery,
  type QueryOptions,
  serveDoh,
  type Zone,
} from "../../support/dns.ts";
import { LoopbackClient } from "../../support/loopback_client.ts";

const ZONE: Zone = {
  "a.test A": [{ type: "A", ttl: 300, data: "192.0.2.1" }],
  "a.test AAAA": [{ type: "AAAA", ttl: 300, data: "2001:db8::1" }],
  "a.test TXT": [{ type: "TXT", ttl: 60, data: Array(20).fill("x".repeat(200)) }],
  "only4.test A": [{ type: "A", ttl: 300, data: "192.0.2.4" }],
  "broken.test A": 2,
  "silent.test A": "drop",
};
const SERVERS = ["https://one.test/dns-query", "https://two.test/dns-query"];
const HEADERS = { "content-type": "application/dns-message" };

/** What a server in memory does with a query. */
type Server = (query: Uint8Array, signal: AbortSignal) => Response | Promise<Response>;

const good: Server = (query) => new Response(answerOf(ZONE, query)!, { headers: HEADERS });
const silent: Server = (_query, signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
const failing: Server = () => Promise.reject(new TypeError("no way"));

/** A resolver whose servers are functions, by their name; and what they were asked. */
function resolverFor(servers: Record<string, Server>, options: Partial<DohResolverOptions> = {}) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const resolver = new DohResolver({
    servers: SERVERS.slice(0, Object.keys(servers).length),
    now: () => clock.now,
    ...options,
    limits: { timeoutMs: 500, staggerMs: 20, failureTtlMs: 1000, ...options.limits },
    fetch: async (url, init) => {
      const name = url.hostname.split(".")[0];
      asked.push(name);
      return await servers[name](init.body as Uint8Array, init.signal!);
    },
  });
  const ask = async (name: string, options?: QueryOptions, transport: "udp" | "tcp" = "tcp") =>
    dnsDecode((await resolver.answer(dnsQuery(name, options), transport))!);
  return { resolver, ask, asked, clock, [Symbol.asyncDispose]: () => resolver.close() };
}

Deno.test("a question goes to the server once, and to the cache until its TTL has run out", async () => {
  await using it = resolverFor({ one: good });
  for (const [second, ttl] of [[0, 300], [1, 299], [299, 1], [300, 300]]) {
    it.clock.now = second * 1000;
    const { id, answers } = await it.ask("A.test", { id: 100 + second });
    assertEquals([id, answers[0].ttl, answers[0].data], [100 + second, ttl, "192.0.2.1"]);
  }
  assertEquals(it.asked, ["one", "one"]);
});

Deno.test("equal questions under way become one, and each asker gets its own id and spelling", async () => {
  await using it = resolverFor({ one: good });
  const names = ["a.test", "A.TEST", "a.Test", "a.test"];
  const answers = await Promise.all(names.map((name, id) => it.ask(name, { id })));
  assertEquals(
    answers.map(({ id, questions }) => [id, questions[0].name]),
    names.map((name, id) => [id, name]),
  );
  assertEquals(it.asked, ["one"]);
});

Deno.test("a silent server is overtaken, and the one that answered is asked first from then on", async () => {
  let aborted = 0;
  const slow: Server = (query, signal) => {
    signal.addEventListener("abort", () => aborted++);
    return silent(query, signal);
  };
  await using it = resolverFor({ one: slow, two: good });
  assertEquals((await it.ask("a.test")).answers.length, 1);
  assertEquals([it.asked, aborted], [["one", "two"], 1]);
  assertEquals((await it.ask("a.test", { type: "AAAA" })).answers.length, 1);
  assertEquals(it.asked, ["one", "two", "two"]);
});

Deno.test("a server that fails is followed at once, whatever its fault", async () => {
  const bad: Record<string, Server> = {
    failing,
    "an error": () => new Response("no", { status: 503 }),
    "a web page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    redirect: () => Response.redirect("https://elsewhere.test/"),
    scraps: () => new Response(new Uint8Array(5), { headers: HEADERS }),
    "another's answer": () =>
      new Response(answerOf(ZONE, dnsQuery("only4.test"))!, { headers: HEADERS }),
    "too much": () => new Response(new Uint8Array(70_000), { headers: HEADERS }),
    "a failure of its own": () =>
      new Response(answerOf(ZONE, dnsQuery("broken.test"))!, { headers: HEADERS }),
  };
  for (const [what, server] of Object.entries(bad)) {
    await using it = resolverFor({ one: server, two: good }, { limits: { staggerMs: 60_000 } });
    assertEquals((await it.ask("a.test")).answers.length, 1, what);
    assertEquals(it.asked, ["one", "two"], what);
  }
});

Deno.test("a connection that had died is tried again, also with one server alone", async () => {
  let first = true;
  const stale: Server = (query, signal) => {
    const server = first ? failing : good;
    first = false;
    return server(query, signal);
  };
  await using it = resolverFor({ one: stale });
  assertEquals((await it.ask("a.test")).answers.length, 1);
});

Deno.test("a question without an answer is a server failure in bounded time, and not asked again at once", async () => {
  for (const server of [silent, failing]) {
    await using it = resolverFor({ one: server }, { limits: { timeoutMs: 50 } });
    assertEquals((await it.ask("a.test", { id: 5 })).rcode, "SERVFAIL");
    const { length } = it.asked;
    assertEquals((await it.ask("a.test")).rcode, "SERVFAIL");
    assertEquals(it.asked.length, length);
    it.clock.now = 1000;
    assertEquals((await it.ask("a.test")).rcode, "SERVFAIL");
    assert(it.asked.length > length);
  }
});

Deno.test("what the servers say of a failure reaches the asker", async () => {
  await using it = resolverFor({ one: good });
  const { rcode, questions } = await it.ask("broken.test");
  assertEquals([rcode, questions[0].name], ["SERVFAIL", "broken.test"]);
});

Deno.test("too many questions are refused at once, and room comes back", async () => {
  const gate = Promise.withResolvers<void>();
  const waiting: Server = async (query, signal) => {
    await gate.promise;
    return good(query, signal);
  };
  await using it = resolverFor({ one: waiting }, {
    limits: { questions: 2, waiting: 3, staggerMs: 60_000 },
  });
  const first = [it.ask("a.test"), it.ask("only4.test"), it.ask("a.test")];
  for (const name of ["b.test", "a.test"]) assertEquals((await it.ask(name)).rcode, "SERVFAIL");
  gate.resolve();
  for (const { rcode } of await Promise.all(first)) assertEquals(rcode, "NOERROR");
  assertEquals((await it.ask("b.test")).rcode, "NXDOMAIN");
});

Deno.test("names of the machine and of the hosts file are asked of nobody", async () => {
  const hosts = "192.0.2.80 printer.test\n2001:db8::80 printer.test lp";
  await using it = resolverFor({ one: failing }, { hosts });
  const data = async (name: string, type: string) =>
    (await it.ask(name, { type })).answers.map(({ data }: { data: string }) => data);
  assertEquals(await data("Printer.Test", "A"), ["192.0.2.80"]);
  assertEquals(await data("lp", "AAAA"), ["2001:db8::80"]);
  assertEquals(await data("lp", "A"), []);
  assertEquals(await data("80.2.0.192.in-addr.arpa", "PTR"), ["printer.test"]);
  assertEquals(await data("x.localhost", "A"), ["127.0.0.1"]);
  assertEquals((await it.ask("hidden.onion")).rcode, "NXDOMAIN");
  assertEquals(await it.resolver.addressesOf("printer.test"), ["2001:db8::80", "192.0.2.80"]);
  assertEquals(it.asked, []);
});

Deno.test("without IPv6 an AAAA is no such data, as long as that is so", async () => {
  let hasIpv6 = false;
  await using it = resolverFor({ one: good }, { hasIpv6: () => hasIpv6 });
  const { rcode, answers, authorities } = await it.ask("a.test", { type: "AAAA" });
  assertEquals([rcode, answers.length, authorities[0].type], ["NOERROR", 0, "SOA"]);
  assertEquals(await it.resolver.addressesOf("a.test"), ["192.0.2.1"]);
  hasIpv6 = true;
  assertEquals(await it.resolver.addressesOf("a.test"), ["2001:db8::1", "192.0.2.1"]);
});

Deno.test("a long answer is cut for UDP and whole over TCP", async () => {
  await using it = resolverFor({ one: good });
  const options = { type: "TXT", udpSize: 1232 };
  assertEquals((await it.ask("a.test", options, "udp")).flag_tc, true);
  assertEquals((await it.ask("a.test", options)).answers[0].data.length, 20);
  assertEquals((await it.ask("a.test", { ...options, udpSize: 4096 }, "udp")).flag_tc, false);
  assertEquals(it.asked, ["one"]);
});

Deno.test("what is no query is not answered, and a strange one is refused", async () => {
  await using it = resolverFor({ one: failing });
  assertEquals(await it.resolver.answer(new Uint8Array(5)), undefined);
  const response = dnsQuery("a.test");
  response[2] |= 0x80;
  assertEquals(await it.resolver.answer(response), undefined);
  const cut = dnsQuery("a.test").subarray(0, 20);
  assertEquals(dnsDecode((await it.resolver.answer(cut))!).rcode, "FORMERR");
  assertEquals(it.asked, []);
});

Deno.test("an address that cannot be found out, and a name that is none, are told apart", async () => {
  await using it = resolverFor({ one: good });
  assertEquals(await it.resolver.addressesOf("nowhere.test"), []);
  await assertRejects(() => it.resolver.addressesOf("broken.test"), Error, "SERVFAIL");
  await assertRejects(() => it.resolver.addressesOf("no name"), TypeError, '"no name"');
});

Deno.test("closing gives up what is under way", async () => {
  await using it = resolverFor({ one: silent }, { limits: { timeoutMs: 60_000 } });
  const asked = it.ask("a.test");
  await it.resolver.close();
  assertEquals((await asked).rcode, "SERVFAIL");
});

Deno.test("a server is an https URL, or one of this machine", () => {
  const make = (server: string) => () => new DohResolver({ fetch, servers: [server] });
  for (
    const bad of [
      "dns.example",
      "http://dns.example/dns-query",
      "ftp://dns.example",
      "tls://1.1.1.1",
    ]
  ) {
    assertThrows(make(bad), TypeError, `"${bad}"`);
  }
  const error = assertThrows(make("https://user:s3cret@dns.example/"), TypeError);
  assert(!error.message.includes("s3cret"));
  for (
    const right of ["https://9.9.9.9/dns-query", "http://127.0.0.1:8053/", "http://[::1]/dns-query"]
  ) make(right)();
  assertThrows(() => new DohResolver({ fetch, servers: [] }), TypeError);
});

Deno.test("through a tunnel the proxy is asked for the server's name, and a hundred questions share it", async () => {
  const zone: Zone = {};
  for (let i = 0; i < 100; i++) {
    zone[`n${i}.test A`] = [{ type: "A", ttl: 9, data: `192.0.2.${i}` }];
  }
  await using server = serveDoh(zone);
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, { caCerts: [CERT] });
  await using resolver = new DohResolver({ fetch, servers: [server.url] });
  const all = await Promise.all(
    Array.from(
      { length: 100 },
      async (_, i) => dnsDecode((await resolver.answer(dnsQuery(`n${i}.test`)))!).answers[0].data,
    ),
  );
  assertEquals(all, Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`));
  assertEquals(proxy.targets, [`localhost:${server.port}`]);
  // What the server sees: id 0, one length for many names.
  assertEquals(new Set(server.queries.map(({ length }) => length)).size, 1);
  assertEquals(new Set(server.queries.map((query) => dnsDecode(query).id)), new Set([0]));
});

Deno.test("the time that an answer spent in caches is taken off", async () => {
  await using server = serveDoh(ZONE, {
    respond: (answer) => new Response(answer, { headers: { ...HEADERS, age: "100" } }),
  });
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, { caCerts: [CERT] });
  await using resolver = new DohResolver({ fetch, servers: [server.url] });
  const answer = dnsDecode((await resolver.answer(dnsQuery("a.test")))!);
  assertEquals(answer.answers[0].ttl, 200);
});

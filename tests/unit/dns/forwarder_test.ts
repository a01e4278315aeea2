import { assert, assertEquals } from "@std/assert";
import { Forwarder, type OpenChannel } from "../../../src/dns/forwarder.ts";
import { Hosts } from "../../../src/dns/hosts.ts";
import { frameMessage, MessageSplitter } from "../../../src/dns/stream.ts";
import { answerOf, dnsDecode, dnsQuery, type QueryOptions, type Zone } from "../../support/dns.ts";

const ZONE: Zone = {
  "a.test A": [{ type: "A", ttl: 300, data: "192.0.2.1" }],
  "b.test A": [{ type: "A", ttl: 300, data: "192.0.2.2" }],
  "a.test TXT": [{ type: "TXT", ttl: 60, data: Array(10).fill("x".repeat(200)) }],
};
const SERVER = { hostname: "9.9.9.9", port: 53 };

type Kind = "stream" | "datagrams";
type Answer = (query: Uint8Array) => Uint8Array<ArrayBuffer> | undefined | "end";

/** A server in memory; `refused` kinds cannot be had. */
class Server {
  readonly opened: string[] = [];
  readonly ids: number[] = [];
  answer: Answer = (query) => answerOf(ZONE, query);
  refused: readonly Kind[] = [];

  readonly open: OpenChannel = (kind, { hostname, port }) => {
    this.opened.push(`${kind} ${hostname}:${port}`);
    if (this.refused.includes(kind)) return Promise.reject(new Error("refused"));
    const splitter = new MessageSplitter();
    let output!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void (output = controller),
    });
    const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (chunk) => {
        const queries = kind === "stream" ? splitter.push(chunk) : [chunk];
        assert(typeof queries !== "string");
        for (const query of queries) {
          this.ids.push(dnsDecode(query).id);
          const answer = this.answer(query);
          if (answer === "end") output.close();
          else if (answer) output.enqueue(kind === "stream" ? frameMessage(answer) : answer);
        }
      },
      abort: () => output.close(),
    });
    return Promise.resolve({ kind, readable, writable });
  };
}

function forwarding(server: Server, timeoutMs = 1000, hosts?: string) {
  const forwarder = new Forwarder(server.open, { timeoutMs, hosts: new Hosts(hosts) });
  return {
    ask: async (name: string, options: QueryOptions & { transport?: "udp" | "tcp" } = {}) => {
      const { transport = "tcp", ...rest } = options;
      return dnsDecode((await forwarder.answer(dnsQuery(name, rest), SERVER, transport))!);
    },
    forwarder,
    [Symbol.asyncDispose]: () => forwarder.close(),
  };
}

Deno.test("questions of many share a connection to the server that was named", async () => {
  const server = new Server();
  await using it = forwarding(server);
  const names = ["a.test", "b.test", "a.test"];
  const answers = await Promise.all(names.map((name) => it.ask(name, { id: 7 })));
  assertEquals(answers.map(({ id, answers }) => [id, answers[0].data]), [
    [7, "192.0.2.1"],
    [7, "192.0.2.2"],
    [7, "192.0.2.1"],
  ]);
  assertEquals(server.opened, ["stream 9.9.9.9:53"]);
  assertEquals(new Set(server.ids).size, 3);
});

Deno.test("a datagram goes as a datagram, and a stream's question as a stream", async () => {
  const server = new Server();
  await using it = forwarding(server);
  assertEquals((await it.ask("a.test", { transport: "udp" })).answers.length, 1);
  assertEquals(server.opened, ["datagrams 9.9.9.9:53"]);
  assertEquals((await it.ask("a.test")).answers.length, 1);
  assertEquals(server.opened, ["datagrams 9.9.9.9:53", "stream 9.9.9.9:53"]);
});

Deno.test("where datagrams do not pass, the stream answers them, cut with the TC bit", async () => {
  const server = new Server();
  server.refused = ["datagrams"];
  await using it = forwarding(server);
  const udp = { transport: "udp", type: "TXT" } as const;
  assertEquals((await it.ask("a.test", udp)).flag_tc, true);
  assertEquals((await it.ask("a.test", { ...udp, udpSize: 4096 })).answers[0].data.length, 10);
  // It is not tried for every question anew.
  assertEquals(server.opened, ["datagrams 9.9.9.9:53", "stream 9.9.9.9:53"]);
});

Deno.test("a server that ended an idle connection is connected again", async () => {
  const server = new Server();
  await using it = forwarding(server);
  await it.ask("a.test");
  let ended = false;
  server.answer = (query) => {
    if (ended) return answerOf(ZONE, query);
    ended = true;
    return "end";
  };
  assertEquals((await it.ask("a.test")).answers.length, 1);
  assertEquals(server.opened.length, 2);
});

Deno.test("a server that cannot be had, is silent or breaks off is a server failure in time", async () => {
  for (
    const change of [{ refused: ["stream", "datagrams"] as const }, {
      answer: () => undefined,
    }, { answer: () => "end" as const }]
  ) {
    const server = Object.assign(new Server(), change);
    await using it = forwarding(server, 50);
    const { rcode, id } = await it.ask("a.test", { id: 3, transport: "udp" });
    assertEquals([rcode, id], ["SERVFAIL", 3]);
  }
});

Deno.test("names of the hosts file and of the machine are asked of nobody", async () => {
  const server = new Server();
  await using it = forwarding(server, 1000, "192.0.2.80 printer.test");
  assertEquals((await it.ask("printer.test")).answers[0].data, "192.0.2.80");
  assertEquals((await it.ask("localhost")).answers[0].data, "127.0.0.1");
  assertEquals(await it.forwarder.answer(new Uint8Array(3), SERVER, "udp"), undefined);
  assertEquals(server.opened, []);
});

Deno.test("closing ends what waits", async () => {
  const server = Object.assign(new Server(), { answer: () => undefined });
  await using it = forwarding(server, 60_000);
  const asked = it.ask("a.test");
  await it.forwarder.close();
  assertEquals((await asked).rcode, "SERVFAIL");
});

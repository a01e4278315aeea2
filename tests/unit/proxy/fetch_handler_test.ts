import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  connectProxy,
  DirectClient,
  fetchHandler,
  type FetchHandlerOptions,
  MemoryClient,
  type ProxyClient,
} from "../../../mod.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { patternStream, serveDiscard } from "../../support/origin.ts";
import { serveUdpEcho } from "../../support/udp_echo.ts";

ffiIsUsable(); // the library stays open for the life of the program, which a test would take for a leak

/** A client whose `fetch` is the handler itself: no network between them. It is gone once the handler carries nothing any more. */
async function clientOf(options: FetchHandlerOptions): Promise<ProxyClient> {
  const handler = fetchHandler(options);
  const fetch = (url: string, init: RequestInit) => handler(new Request(url, init));
  const client = await connectProxy("https://handler.example", { http: "fetch", fetch });
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.close();
      for (let i = 0; handler.flows > 0; i++) {
        if (i === 4_000) throw new Error(`The handler still carries ${handler.flows} flows`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  });
}

const post = (path: string, init: RequestInit = {}) =>
  new Request(`https://a.example${path}`, { method: "POST", body: "", ...init });

Deno.test("the handler goes to public addresses only, and to what was allowed", async () => {
  await using origin = serveDiscard();
  await using closed = await clientOf({});
  const target = { hostname: "127.0.0.1", port: origin.port };
  const refused = await closed.connect(target);
  assert(!refused.ok);
  assertEquals(refused.outcome.kind, "destination_ip_prohibited");
  await using open = await clientOf({ allow: ["127.0.0.0/8"] });
  const tunnel = await open.connect(target);
  assert(tunnel.ok);
  await patternStream(1_000_000).pipeTo(tunnel.writable);
  assertEquals(await new Response(tunnel.readable).text(), "1000000");
  assertEquals((await tunnel.closed).reason, "finished");
});

Deno.test("the handler leads through any road, TCP and UDP, and tells its refusals", async () => {
  await using direct = new DirectClient();
  await using origin = serveDiscard();
  await using client = await clientOf({ road: direct });
  const tunnel = await client.connect({ hostname: "127.0.0.1", port: origin.port });
  assert(tunnel.ok);
  await patternStream(500_000).pipeTo(tunnel.writable);
  assertEquals(await readText(tunnel.readable), "500000");
  await tunnel.closed;

  await using memory = new MemoryClient((target) => ({
    kind: target.port === 1 ? "dns_error" : "proxy_unreachable",
    refusal: "host-unreachable",
    status: 0,
    detail: "The proxy https://secret.example is gone",
  }));
  await using other = await clientOf({ road: memory });
  for (const [port, kind] of [[1, "dns_error"], [2, "destination_unavailable"]] as const) {
    const refused = await other.connect({ hostname: "a.example", port });
    assert(!refused.ok);
    assertEquals(refused.outcome.kind, kind);
    assertEquals(refused.outcome.detail.includes("secret.example"), false);
  }
  const udp = await other.connectUdp({ hostname: "echo.example", port: 7 });
  assert(udp.ok);
  const reader = udp.readable.getReader();
  for (const length of [0, 1, 1_200]) {
    udp.send(new Uint8Array(length).fill(length));
    assertEquals((await reader.read()).value, new Uint8Array(length).fill(length));
  }
  udp.close();
  assertEquals((await udp.closed).reason, "finished");

  await using tcpOnly = await clientOf({ road: { connect: (target) => memory.connect(target) } });
  const none = await tcpOnly.connectUdp({ hostname: "a.example", port: 7 });
  assert(!none.ok);
  assertEquals(none.outcome.kind, "udp_unsupported");
});

const readText = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(stream).text();

Deno.test("datagrams leave from a socket of the handler's own", async () => {
  await using origin = await serveUdpEcho();
  await using client = await clientOf({ allow: ["127.0.0.0/8"] });
  const tunnel = await client.connectUdp({ hostname: "127.0.0.1", port: origin.port });
  assert(tunnel.ok);
  const reader = tunnel.readable.getReader();
  tunnel.send(Uint8Array.of(1, 2, 3));
  assertEquals((await reader.read()).value, Uint8Array.of(1, 2, 3));
  tunnel.close();
  await tunnel.closed;
});

Deno.test("the handler answers what is no tunnel, and strangers, as an origin does", async () => {
  await using road = new MemoryClient();
  const handler = fetchHandler({ road, token: "secret" });
  const tcp = "/.well-known/masque/tcp";
  const cases: [Request, number][] = [
    [post("/"), 404],
    [new Request(`https://a.example${tcp}/a/1/`), 404],
    [post(`${tcp}/a/0/`), 400],
    [post(`${tcp}/a/1/`), 401],
    [post(`${tcp}/a/1/`, { headers: { authorization: "Bearer wrong" } }), 401],
    [post("/.well-known/masque/udp/a/1/"), 401],
    [post("/.well-known/masque/udp/*/*/"), 400],
  ];
  for (const [request, status] of cases) {
    const response = await handler(request);
    assertEquals(response.status, status, request.url);
    assertMatch(response.headers.get("proxy-status") ?? "", /^pseudotcp; error=/);
    if (status === 401) assertMatch(response.headers.get("www-authenticate") ?? "", /^Bearer /);
    await response.body?.cancel();
  }
});

Deno.test("a client that breaks off resets what it had opened", async () => {
  const far = Promise.withResolvers<unknown>();
  await using road = new MemoryClient(() => async ({ readable }) => {
    const reader = readable.getReader();
    await reader.read();
    far.resolve(await reader.read().then(() => "an end", () => "a reset"));
  });
  await using client = await clientOf({ road });
  const tunnel = await client.connect({ hostname: "a.example", port: 1 });
  assert(tunnel.ok);
  const writer = tunnel.writable.getWriter();
  await writer.write(Uint8Array.of(1));
  await writer.abort(new Error("enough"));
  assertEquals(await far.promise, "a reset");
  assertEquals((await tunnel.closed).reason, "reset");
});

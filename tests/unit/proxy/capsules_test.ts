/**
 * Tunnels in capsules through the embedded proxy, by our own client: connect-tcp and the POST of `fetch`, over both versions of HTTP.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AddressInfo, createServer } from "node:net";
import { type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import type { ProxyClient } from "../../../src/tunnel/tunnel.ts";
import { DEFAULT_TCP_PATH } from "../../../src/masque/uri_template.ts";
import {
  patternStream,
  readConnection,
  readPattern,
  serveChargen,
  serveDiscard,
  serveTcp,
} from "../../support/origin.ts";

ffiIsUsable(); // the library stays open for the life of the program, which a test would take for a leak

const ALLOW = ["127.0.0.0/8", "::1/128"];
const ANYWHERE = `https://any.example${DEFAULT_TCP_PATH}`;

/** A proxy and a client for it. */
async function openRoad(
  road: Road,
  proxyOptions: ProxyOptions = {},
  options: ConnectProxyOptions = {},
) {
  await using stack = new AsyncDisposableStack();
  const tls = road.tls ? "self-signed" : false;
  const proxy = stack.use(await serveProxy({ tls, allow: ALLOW, ...proxyOptions }));
  const caCerts = proxy.certificate === undefined ? undefined : [proxy.certificate];
  const url = proxy.url.replace("127.0.0.1", "localhost");
  const client = stack.use(await connectProxy(url, { caCerts, ...road.options, ...options }));
  const all = stack.move();
  return { client, proxy, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function open(client: ProxyClient, port: number) {
  const tunnel = await client.connect({ hostname: "127.0.0.1", port });
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

/** A loopback port that nobody listens on. */
function deadPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Answers the first bytes, and resets the connection. */
async function serveReset(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(new Uint8Array(1_000), () => socket.resetAndDestroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

interface Road {
  readonly name: string;
  readonly tls: boolean;
  readonly options: ConnectProxyOptions;
}

const ROADS: readonly Road[] = [
  ...[false, true].flatMap((tls) => {
    const where = tls ? "in TLS" : "in the clear";
    const tcpTemplate = ANYWHERE;
    return [
      { name: `connect-tcp, HTTP/1.1 ${where}`, tls, options: { http: "1.1", tcpTemplate } },
      { name: `connect-tcp, HTTP/2 ${where}`, tls, options: { http: "2", tcpTemplate } },
      { name: `fetch, ${where}`, tls, options: { http: "fetch" } },
    ] as const;
  }),
  { name: "connect-tcp, HTTP/3", tls: true, options: { http: "3", tcpTemplate: ANYWHERE } },
];

for (const road of ROADS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${road.name}: ${name}`, sanitizeOps: true, sanitizeResources: true, fn });

  test("4 MB go up, and the count comes back after our end", async () => {
    await using origin = serveDiscard();
    await using setting = await openRoad(road);
    const tunnel = await open(setting.client, origin.port);
    await patternStream(4_000_000).pipeTo(tunnel.writable);
    assertEquals(await new Response(tunnel.readable).text(), "4000000");
    assertEquals((await tunnel.closed).reason, "finished");
    while (setting.proxy.flows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("4 MB come down, and after the origin's end we still speak", async () => {
    const heard = Promise.withResolvers<number>();
    await using origin = serveTcp(async (conn) => {
      await patternStream(4_000_000).pipeTo(conn.writable, { preventClose: true });
      await conn.closeWrite();
      heard.resolve(await readPattern(readConnection(conn)));
    });
    await using setting = await openRoad(road);
    const tunnel = await open(setting.client, origin.port);
    assertEquals(await readPattern(tunnel.readable), 4_000_000);
    await patternStream(100_000).pipeTo(tunnel.writable);
    assertEquals(await heard.promise, 100_000);
    assertEquals((await tunnel.closed).reason, "finished");
  });

  test("an origin that is reset in mid-transfer never looks complete", async () => {
    await using origin = await serveReset();
    await using setting = await openRoad(road);
    const tunnel = await open(setting.client, origin.port);
    const writer = tunnel.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(new Uint8Array(10));
    const failure = await new Response(tunnel.readable).bytes().then(() => undefined, (e) => e);
    assert(failure instanceof Error, "the transfer looked complete");
    assertEquals((await tunnel.closed).reason, "reset");
  });

  test("refusals mean what they mean by CONNECT", async () => {
    await using setting = await openRoad(road, { allow: ["127.0.0.1/32"] });
    const cases = [
      ["127.0.0.1", deadPort(), "connection_refused", "reset"],
      ["127.0.0.2", 80, "destination_ip_prohibited", "prohibited"],
      ["no-such-name.invalid", 80, "dns_error", "host-unreachable"],
    ] as const;
    for (const [hostname, port, kind, refusal] of cases) {
      const tunnel = await setting.client.connect({ hostname, port });
      assert(!tunnel.ok);
      assertEquals(tunnel.outcome.kind, kind);
      assertEquals(tunnel.outcome.refusal, refusal);
    }
  });

  test("credentials are asked for as an origin does, and let in", async () => {
    await using origin = serveChargen(10);
    await using strange = await openRoad(road, { token: "secret" });
    const refused = await strange.client.connect({ hostname: "127.0.0.1", port: origin.port });
    assert(!refused.ok);
    assertEquals(refused.status, 401);
    assertMatch(refused.headers.get("www-authenticate") ?? "", /^Bearer /);
    assertEquals(refused.headers.get("proxy-authenticate"), null);
    assertEquals(refused.outcome.kind, "proxy_authentication_required");

    await using known = await openRoad(road, { token: "secret" }, { token: "secret" });
    const tunnel = await open(known.client, origin.port);
    await tunnel.writable.close();
    assertEquals(await readPattern(tunnel.readable), 10);
    await tunnel.closed;
  });
}

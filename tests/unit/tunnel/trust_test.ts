/**
 * Whom we believe to be the proxy, and which protocol it gets.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as tls from "node:tls";
import type { AddressInfo } from "node:net";
import { ProxyError } from "../../../src/errors.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import { CERT, KEY, SHA256 } from "../../support/certificate.ts";
import { echo } from "../../support/far_side.ts";
import { serveH1, serveH2, type TestServer } from "../../support/tunnel_servers.ts";
import { open, proxied } from "./roads.ts";

const TARGET = { hostname: "origin.example", port: 443 };
const QUIET = { sanitizeOps: true, sanitizeResources: true };

async function carries(server: TestServer, options: ConnectProxyOptions): Promise<string> {
  await using client = await connectProxy(`https://127.0.0.1:${server.port}`, options);
  const tunnel = await open({
    client,
    target: TARGET,
    [Symbol.asyncDispose]: () => client.close(),
  });
  await tunnel.readable.cancel();
  return client.description.replace(/.*\((.*)\)/, "$1");
}

for (const [name, serve] of [["HTTP/1.1", serveH1], ["HTTP/2", serveH2]] as const) {
  const test = (title: string, fn: (server: TestServer) => Promise<void>) =>
    Deno.test({
      ...QUIET,
      name: `${name}: ${title}`,
      fn: async () => {
        await using server = await serve(echo, { tls: true });
        await fn(server);
      },
    });

  test("ALPN decides, and an authority, a pin or nothing at all makes the trust", async (server) => {
    const colons = SHA256.toUpperCase().replace(/..(?!$)/g, "$&:");
    const trusts = [{ caCerts: [CERT] }, { pin: SHA256 }, { pin: colons }, { insecure: true }];
    for (const trust of trusts) assertEquals(await carries(server, trust), name);
  });

  test("an unknown authority is refused with a hint", async (server) => {
    const error = await assertRejects(() => carries(server, {}), ProxyError);
    assertMatch(error.message, /not trusted.*caCerts.*pin/);
  });

  test("another pin is refused, even beside insecure and the right authority", async (server) => {
    const pin = "00".repeat(32);
    const error = await assertRejects(
      () => carries(server, { pin, insecure: true, caCerts: [CERT] }),
      ProxyError,
    );
    assertMatch(error.message, /not the pinned one/);
  });
}

Deno.test({
  ...QUIET,
  name: "A proxy without HTTP/2 is not taken for one",
  async fn() {
    await using server = await serveH1(echo, { tls: true });
    await assertRejects(() => carries(server, { http: "2", insecure: true }), ProxyError);
  },
});

Deno.test({
  ...QUIET,
  name: "In TLS a connection that is cut off is a reset, not an end",
  async fn() {
    const server = tls.createServer({ cert: CERT, key: KEY }, (socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\n\r\nhalf of it", () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    {
      await using client = await connectProxy(`https://127.0.0.1:${port}`, {
        http: "1.1",
        caCerts: [CERT],
      });
      const tunnel = await client.connect(TARGET);
      if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
      await assertRejects(() => new Response(tunnel.readable).text());
      assertEquals((await tunnel.closed).reason, "reset");
    }
    await new Promise((resolve) => server.close(resolve));
  },
});

Deno.test("Options and addresses that make no sense are told, and secrets are not", async () => {
  const bad: [string, ConnectProxyOptions?][] = [
    ["hush"],
    ["ftp://proxy.example"],
    ["https://proxy.example/path"],
    ["https://proxy.example/?hush"],
    ["https://proxy.example", { token: "hush", basic: "hush:hush" }],
    ["https://user:hush@proxy.example", { token: "x" }],
    ["https://proxy.example", { token: "hush\n" }],
    ["https://proxy.example", { pin: "12" }],
    ["https://proxy.example", { headers: { "content-length": "1" } }],
    ["https://proxy.example", { http: "4" as "2" }],
  ];
  for (const [url, options] of bad) {
    const error = await assertRejects(() => connectProxy(url, options), TypeError);
    assertEquals(error.message.includes("hush"), false, error.message);
  }
});

Deno.test({
  ...QUIET,
  name: "User and password of the URL serve as Basic, and stay out of the words",
  async fn() {
    await using setting = await proxied("1.1", echo);
    const url = `http://user:p%40ss@127.0.0.1:${setting.server.port}`;
    await using client = await connectProxy(url);
    await client.connect(TARGET);
    assertMatch(setting.server.requests[0], new RegExp(`Basic ${btoa("user:p@ss")}`));
    assertEquals(client.description, `http://127.0.0.1:${setting.server.port} (HTTP/1.1)`);
  },
});

Deno.test("A proxy where nobody listens is told in one sentence", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => connectProxy(`http://127.0.0.1:${port}`), ProxyError);
  assertMatch(error.message, /nobody listens there; check the address/);
  assertEquals(error.outcome.kind, "proxy_unreachable");
});

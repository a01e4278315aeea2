/**
 * `Alt-Svc`, said by the embedded proxy and heard by its client.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveProxy } from "../../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../../src/sockets/libc.ts";
import { connectProxy } from "../../../../src/tunnel/proxy_client.ts";
import type { ProxyClient } from "../../../../src/tunnel/tunnel.ts";
import { echo } from "../../../support/far_side.ts";
import { muteable } from "../../../support/muteable.ts";
import { serveTcp } from "../../../support/tunnel_servers.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

async function altSvcOf(client: ProxyClient, port: number): Promise<string | null> {
  const tunnel = await client.connect({ hostname: "127.0.0.1", port });
  assert(tunnel.ok);
  await tunnel.readable.cancel();
  await tunnel.closed;
  return tunnel.headers.get("alt-svc");
}

for (const http of ["1.1", "2"] as const) {
  Deno.test(`HTTP/${http}: the proxy says where it serves HTTP/3, and nothing where it does not`, async () => {
    await using origin = await serveTcp(echo);
    for (const http3 of [true, false]) {
      await using proxy = await serveProxy({ allow: ["127.0.0.0/8"], http3 });
      const pin = proxy.certificateSha256;
      await using client = await connectProxy(proxy.url, { http, pin });
      const expected = http3 ? `h3=":${proxy.port}"; ma=86400` : null;
      assertEquals(await altSvcOf(client, origin.port), expected);
    }
  });
}

Deno.test("auto climbs to HTTP/3 on the port that Alt-Svc names", async () => {
  await using origin = await serveTcp(echo);
  await using proxy = await serveProxy({ allow: ["127.0.0.0/8"], http3: true });
  await using front = await muteable(proxy.port); // TCP alone, on a port of its own
  const url = `https://127.0.0.1:${front.port}`;
  const pin = proxy.certificateSha256;
  await using client = await connectProxy(url, {
    pin,
    timeouts: { pingIdleMs: 200, pingWaitMs: 400 },
  });
  assertMatch(client.description, /HTTP\/2/);
  await altSvcOf(client, origin.port);
  const deadline = performance.now() + 20_000;
  while (!client.description.includes("HTTP/3")) {
    if (performance.now() > deadline) throw new Error(`it stays at ${client.description}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(await altSvcOf(client, origin.port), null); // over HTTP/3 there is nothing to say
});

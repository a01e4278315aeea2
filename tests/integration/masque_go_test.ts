import { assertEquals } from "@std/assert";
import { serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import { buildMasqueGo } from "../support/masque_go.ts";
import { requires } from "../support/requires.ts";
import { serveUdpEcho } from "../support/udp_echo.ts";

const needs = requires("go", "timeout");
if (!needs.ignore) ffiIsUsable(); // the library stays open, which no test shall be blamed for

Deno.test("datagrams pass masque-go's proxy, over HTTP/3", needs, async () => {
  await using masqueGo = await buildMasqueGo();
  await using proxy = await masqueGo.start("proxy");
  await using origin = await serveUdpEcho();
  const caCerts = [await Deno.readTextFile(masqueGo.certificate.caFile)];
  await using client = await connectProxy(`https://${proxy.authority}`, { http: "3", caCerts });
  const tunnel = await client.connectUdp({ hostname: "127.0.0.1", port: origin.port });
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  const reader = tunnel.readable.getReader();
  for (const length of [1, 0, 700, 1_000, 1_200, 1]) {
    const payload = new Uint8Array(length).fill(length);
    tunnel.send(payload);
    assertEquals((await reader.read()).value, payload);
  }
  assertEquals(tunnel.drops, { outbound: 0, inbound: 0, unknownContext: 0 });
  tunnel.close();
  assertEquals((await tunnel.closed).reason, "finished");
});

Deno.test(
  "masque-go's client fetches over HTTP/3 inside HTTP/3 through the proxy",
  needs,
  async () => {
    await using masqueGo = await buildMasqueGo();
    await using origin = await masqueGo.start("origin");
    const { caFile, keyFile } = masqueGo.certificate;
    const tls = { cert: await Deno.readTextFile(caFile), key: await Deno.readTextFile(keyFile) };
    await using proxy = await serveProxy({ tls, allow: ["127.0.0.0/8"], http3: true });
    const template = `${proxy.url}/.well-known/masque/udp/{target_host}/{target_port}/`;
    for (const length of [0, 1_000, 3_000_000]) {
      const got = await masqueGo.get(template, `https://${origin.authority}/bytes/${length}`);
      assertEquals(got, { status: 200, length });
    }
  },
);

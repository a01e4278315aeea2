import { assert, assertEquals } from "@std/assert";
import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import type { OpenUdpTunnel, ProxyClient } from "../../src/tunnel/tunnel.ts";
import { startEnvoy } from "../support/envoy.ts";
import { requires } from "../support/requires.ts";
import { serveUdpEcho } from "../support/udp_echo.ts";

async function open(client: ProxyClient, hostname: string, port: number): Promise<OpenUdpTunnel> {
  const tunnel = await client.connectUdp({ hostname, port });
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

async function exchange(tunnel: OpenUdpTunnel, lengths: readonly number[]): Promise<void> {
  const reader = tunnel.readable.getReader();
  for (const [i, length] of lengths.entries()) {
    const payload = new Uint8Array(length).fill(i + 1);
    tunnel.send(payload);
    assertEquals((await reader.read()).value, payload);
  }
  reader.releaseLock();
}

for (const tls of [false, true]) {
  const name = `Envoy ${tls ? "with TLS" : "in the clear"}`;
  const needs = requires("envoy", ...(tls ? ["openssl"] : []));

  Deno.test(`datagrams pass ${name}, over HTTP/2`, needs, async () => {
    await using stack = new AsyncDisposableStack();
    const origin = stack.use(await serveUdpEcho());
    const envoy = stack.use(tls ? await startEnvoy({ tls }) : await startEnvoy({ tls: false }));
    const caCerts = "caFile" in envoy ? [await Deno.readTextFile(envoy.caFile as string)] : [];
    const client = stack.use(
      await connectProxy(`${tls ? "https" : "http"}://${envoy.authority}`, { http: "2", caCerts }),
    );

    const tunnel = await open(client, "127.0.0.1", origin.port);
    assertEquals(tunnel.headers.get("capsule-protocol"), "?1");
    await exchange(tunnel, [1, 0, 1200, 1472, 1500, 9_000, 60_000, 65_507]);
    assertEquals(tunnel.drops, { outbound: 0, inbound: 0, unknownContext: 0 });
    tunnel.close();
    assertEquals(await tunnel.closed, { reason: "finished", detail: "" });

    // Envoy answers 503 to some of many first questions for one name: one goes ahead, and the others find the name in its cache.
    const first = await open(client, "localhost", origin.port);
    await exchange(first, [1]);
    first.close();
    await first.closed;

    await Promise.all(Array.from({ length: 40 }, async () => {
      const tunnel = await open(client, "localhost", origin.port);
      await exchange(tunnel, Array.from({ length: 25 }, (_, n) => 40 * n));
      await tunnel.readable.cancel();
      assertEquals((await tunnel.closed).reason, "reset");
    }));

    const nowhere = await client.connectUdp({ hostname: "nowhere.invalid", port: 53 });
    assert(!nowhere.ok);
    assertEquals(nowhere.status, 503);

    // TCP beside it, on the same connection.
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept().then((conn) => conn.close());
    const tcp = await client.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    assert(tcp.ok);
    await accepted;
    await tcp.readable.cancel();
    listener.close();
  });
}

/** Envoy 1.40 answers an upgrade to connect-udp with a 200 in chunks, which is no tunnel by RFC 9298, section 3.3. */
Deno.test("Envoy carries no UDP over HTTP/1.1, and that is told", requires("envoy"), async () => {
  await using origin = await serveUdpEcho();
  await using envoy = await startEnvoy({ tls: false });
  await using client = await connectProxy(`http://${envoy.authority}`, { http: "1.1" });
  const tunnel = await client.connectUdp({ hostname: "127.0.0.1", port: origin.port });
  assert(!tunnel.ok);
  assertEquals(tunnel.outcome.kind, "udp_unsupported");
});

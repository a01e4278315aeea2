/**
 * Connections that come and go behind one client.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProxyError } from "../../../../src/errors.ts";
import { createLog } from "../../../../src/log.ts";
import type { ConnectedProxy } from "../../../../src/tunnel/road/road.ts";
import { connectProxy } from "../../../../src/tunnel/proxy_client.ts";
import { echo } from "../../../support/far_side.ts";
import { muteable } from "../../../support/muteable.ts";
import { open, proxied, type Setting } from "../roads.ts";

const TARGET = { hostname: "origin.example", port: 443 };

/** A tunnel with both of its ends in hand. */
async function openEcho(setting: Setting) {
  const tunnel = await open(setting);
  const writer = tunnel.writable.getWriter();
  writer.closed.catch(() => {});
  const reader = tunnel.readable.getReader();
  const roundTrip = async (byte: number) => {
    await writer.write(Uint8Array.of(byte));
    assertEquals((await reader.read()).value, Uint8Array.of(byte));
  };
  await roundTrip(7);
  return { tunnel, reader, writer, roundTrip };
}

for (const http of ["1.1", "2"] as const) {
  for (const tls of [false, true]) {
    const test = (name: string, fn: () => Promise<void>) =>
      Deno.test({
        sanitizeOps: true,
        sanitizeResources: true,
        name: `HTTP/${http} in ${tls ? "TLS" : "the clear"}: ${name}`,
        fn,
      });

    test("reconnect leaves open flows alone, and gives new ones a new connection", async () => {
      await using setting = await proxied(http, echo, { tls });
      const client = setting.client as ConnectedProxy;
      assertEquals(client.address, "127.0.0.1");
      const { roundTrip, writer, reader } = await openEcho(setting);
      await client.reconnect();
      assert(setting.server.connections() >= 2); // HTTP/1.1 asks by a further one whether the proxy lives
      await (await openEcho(setting)).tunnel.readable.cancel().catch(() => {});
      await roundTrip(8);
      await writer.close();
      assertEquals((await reader.read()).done, true);
    });

    test("shutdown takes no new flow, and ends with the last", async () => {
      await using setting = await proxied(http, echo, { tls });
      const client = setting.client as ConnectedProxy;
      const { roundTrip, writer, reader } = await openEcho(setting);
      assertEquals(client.tunnels, 1);
      const down = client.shutdown();
      await assertRejects(() => client.connect(TARGET), TypeError, "closed client");
      await roundTrip(8);
      await writer.close();
      assertEquals((await reader.read()).done, true);
      await down;
      assertEquals([client.tunnels, client.connections], [0, 0]);
    });

    test("shutdown resets what is open when its patience ends", async () => {
      await using setting = await proxied(http, echo, { tls });
      const client = setting.client as ConnectedProxy;
      const { reader, tunnel } = await openEcho(setting);
      const patience = new AbortController();
      const down = client.shutdown({ signal: patience.signal });
      patience.abort();
      await down;
      await assertRejects(() => reader.read());
      assertEquals((await tunnel.closed).reason, "reset");
    });

    test("a flow that waits on a silent proxy is reset, and the next finds the way", async () => {
      await using setting = await proxied(http, echo, { tls });
      await using mute = await muteable(setting.server.port);
      const lines: string[] = [];
      const log = createLog("info", (level, line) => lines.push(`${level}: ${line}`));
      await using client = await connectProxy(
        `${tls ? "https" : "http"}://127.0.0.1:${mute.port}`,
        { http, log, insecure: tls, timeouts: { pingIdleMs: 100, pingWaitMs: 1_000 } },
      );
      const { writer, reader, tunnel } = await openEcho({ ...setting, client });
      mute.mute();
      await writer.write(Uint8Array.of(1));
      await assertRejects(() => reader.read());
      assertEquals((await tunnel.closed).reason, "reset");
      assertEquals(lines.map((line) => line.replace(/https?:\S+/, "P")), [
        `warn: The proxy P does not answer any more: a connection of HTTP/${http} is given up, and what it carried is reset (1 flow)`,
      ]);
      mute.unmute();
      await openEcho({ ...setting, client });
    });
  }
}

Deno.test({
  sanitizeOps: true,
  sanitizeResources: true,
  name: "HTTP/1.1: a proxy that lives may be silent in a tunnel as long as it likes",
  async fn() {
    await using setting = await proxied("1.1", async (far) => {
      while (await far.read() !== null); // takes all, says nothing
      await far.end();
    }, {
      head: (authority) =>
        authority === "*" ? "HTTP/1.1 405 No\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n",
    }, {
      timeouts: { pingIdleMs: 10, pingWaitMs: 5_000 },
    });
    const tunnel = await open(setting);
    const writer = tunnel.writable.getWriter();
    await writer.write(Uint8Array.of(1));
    while (setting.server.requests.filter((head) => head.startsWith("OPTIONS * ")).length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await writer.write(Uint8Array.of(2));
    await writer.close();
    assertEquals(await new Response(tunnel.readable).text(), "");
    assertEquals((await tunnel.closed).reason, "finished");
  },
});

Deno.test({
  sanitizeOps: true,
  sanitizeResources: true,
  name: "A request on an HTTP/2 connection that died unnoticed is asked again on another",
  async fn() {
    await using setting = await proxied("2", echo);
    await using mute = await muteable(setting.server.port);
    await using client = await connectProxy(`http://127.0.0.1:${mute.port}`, {
      http: "2",
      timeouts: { pingIdleMs: 100, pingWaitMs: 1_000 },
    });
    mute.muteOpen();
    await openEcho({ ...setting, client });
    assertEquals(setting.server.connections(), 3); // the server's own, the silent one, and the one that carries
  },
});

Deno.test({
  sanitizeOps: true,
  sanitizeResources: true,
  name: "The operator reads once that the proxy is gone, and once that it is back",
  async fn() {
    const lines: string[] = [];
    const log = createLog("info", (level, line) => lines.push(`${level}: ${line}`));
    const first = await proxied("2", echo);
    const { port } = first.server;
    await using client = await connectProxy(`http://127.0.0.1:${port}`, {
      http: "2",
      log,
      timeouts: { retryMs: 10, retryMaxMs: 20 },
    });
    await first[Symbol.asyncDispose]();
    for (let i = 0; i < 3; i++) await assertRejects(() => client.connect(TARGET), ProxyError);
    assertEquals(client.address, undefined);
    using listener = Deno.listen({ hostname: "127.0.0.1", port });
    const taken = listener.accept();
    (await taken).close(); // it came back by itself, without a flow
    while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assertMatch(lines[0], /^warn: Could not reach the proxy .*nobody listens.*trying again/);
    assertMatch(lines[1], /^warn: The proxy http:\/\/127\.0\.0\.1:\d+ is back after \d+ s$/);
    assert(lines.length < 10);
  },
});

/**
 * Chains: a proxy behind a proxy, any version in any version.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import dgram from "node:dgram";
import { ProxyError } from "../../../../src/errors.ts";
import { type EmbeddedProxy, serveProxy } from "../../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../../src/sockets/libc.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../../src/tunnel/proxy_client.ts";
import type { ConnectedProxy } from "../../../../src/tunnel/road/road.ts";
import { echo } from "../../../support/far_side.ts";
import { serveTcp } from "../../../support/tunnel_servers.ts";

ffiIsUsable(); // loads the C library once, for all tests

interface Leg {
  readonly http: "1.1" | "2" | "3";
  readonly tls: boolean;
}

const LEGS: readonly Leg[] = [
  { http: "1.1", tls: false },
  { http: "1.1", tls: true },
  { http: "2", tls: false },
  { http: "2", tls: true },
  { http: "3", tls: true },
];

const nameOf = ({ http, tls }: Leg) => `HTTP/${http} in ${tls ? "TLS" : "the clear"}`;

interface Chain extends AsyncDisposable {
  readonly client: ConnectedProxy;
  readonly near: ConnectedProxy;
  readonly servers: readonly EmbeddedProxy[];
}

/** Two proxies with tokens and certificates of their own, and a client of the second through the first. */
async function chain(outer: Leg, inner: Leg, options: ConnectProxyOptions = {}): Promise<Chain> {
  await using stack = new AsyncDisposableStack();
  const serve = async (leg: Leg, token: string) =>
    stack.use(
      await serveProxy({ tls: leg.tls && "self-signed", allow: ["127.0.0.0/8"], token }),
    );
  const servers = [await serve(outer, "outer"), await serve(inner, "inner")];
  const near = stack.use(
    await connectProxy(servers[0].url, {
      http: outer.http,
      pin: servers[0].certificateSha256,
      token: "outer",
    }),
  );
  const client = stack.use(
    await connectProxy(servers[1].url, {
      http: inner.http,
      pin: servers[1].certificateSha256,
      token: "inner",
      via: near,
      ...options,
    }),
  );
  const all = stack.move();
  return { client, near, servers, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

for (const outer of LEGS) {
  for (const inner of LEGS) {
    Deno.test(`${nameOf(inner)} inside ${nameOf(outer)} carries both directions to their ends`, async () => {
      await using origin = await serveTcp(echo);
      const target = { hostname: "127.0.0.1", port: origin.port };
      await using at = await chain(outer, inner);
      assertMatch(at.client.description, /^https?:.*\) by way of https?:.*\)$/);
      const flows = Array.from({ length: 5 }, async (_, i) => {
        const tunnel = await at.client.connect(target);
        assert(tunnel.ok, tunnel.ok ? "" : tunnel.outcome.detail);
        const sent = new Uint8Array(300_000).fill(i + 1);
        const writer = tunnel.writable.getWriter();
        const write = async () => {
          for (let at = 0; at < sent.length; at += 30_000) {
            await writer.write(sent.slice(at, at + 30_000));
          }
          await writer.close();
        };
        const [, back] = await Promise.all([write(), new Response(tunnel.readable).bytes()]);
        assertEquals(back.length, sent.length);
        assert(back.every((byte) => byte === i + 1));
        assertEquals((await tunnel.closed).reason, "finished");
      });
      await Promise.all(flows);
      assertEquals([at.near.address, at.client.address], ["127.0.0.1", undefined]);
    });
  }

  Deno.test(`what breaks inside ${nameOf(outer)} is a reset, and close leaves nothing at the first proxy`, async () => {
    await using origin = await serveTcp(async (far) => {
      await far.read();
      far.reset();
    });
    const target = { hostname: "127.0.0.1", port: origin.port };
    await using at = await chain(outer, { http: "2", tls: true });
    const tunnel = await at.client.connect(target);
    assert(tunnel.ok);
    const reader = tunnel.readable.getReader();
    const writer = tunnel.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(Uint8Array.of(1));
    await assertRejects(() => reader.read());
    assertEquals((await tunnel.closed).reason, "reset");
    await at.client.close();
    while (at.servers[0].flows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
}

Deno.test("UDP goes through a chain", async () => {
  const origin = dgram.createSocket("udp4");
  origin.on("message", (bytes, { port, address }) => origin.send(bytes, port, address));
  await new Promise<void>((resolve) => origin.bind(0, "127.0.0.1", resolve));
  for (const leg of [LEGS[1], LEGS[3]]) {
    await using at = await chain(leg, leg);
    const tunnel = await at.client.connectUdp({
      hostname: "127.0.0.1",
      port: origin.address().port,
    });
    assert(tunnel.ok, tunnel.ok ? "" : tunnel.outcome.detail);
    const reader = tunnel.readable.getReader();
    tunnel.send(Uint8Array.of(1, 2, 3));
    assertEquals((await reader.read()).value, Uint8Array.of(1, 2, 3));
    tunnel.close();
    await tunnel.closed;
  }
  await new Promise<void>((resolve) => origin.close(() => resolve()));
});

Deno.test("What the first proxy refuses is told as such, and its credentials are not the second's", async () => {
  await using near = await serveProxy({ tls: false, token: "s3cret" });
  await using client = await connectProxy(near.url, { token: "s3cret" });
  const refused = await assertRejects(
    () => connectProxy("http://127.0.0.1:9", { via: client }),
    ProxyError,
    "through http://127.0.0.1",
  );
  assertEquals(refused.outcome.kind, "proxy_unreachable");
  await using stranger = await connectProxy(near.url);
  const error = await assertRejects(
    () => connectProxy("http://192.0.2.1:9", { via: stranger }),
    ProxyError,
    "through http://127.0.0.1",
  );
  assertEquals(error.outcome.kind, "proxy_authentication_required");
});

Deno.test("A wrong pin of the second proxy is told, and the way to it ends", async () => {
  const pin = "00".repeat(32);
  for (const http of ["1.1", "2"] as const) {
    const error = await assertRejects(
      () => chain(LEGS[3], { http, tls: true }, { pin }),
      ProxyError,
    );
    assertMatch(error.message, /not the pinned one/);
  }
});

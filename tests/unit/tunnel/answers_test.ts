/**
 * What a proxy may answer, and what it may fail to: over each version of HTTP.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProxyError } from "../../../src/errors.ts";
import { echo } from "../../support/far_side.ts";
import { connectTo, open, proxied } from "./roads.ts";

const PROTOCOLS = ["1.1", "2", "3"] as const;

const never = () => new Promise<never>(() => {});

for (const http of PROTOCOLS) {
  const test = (name: string, body: () => Promise<void>) =>
    Deno.test({
      sanitizeOps: true,
      sanitizeResources: true,
      name: `HTTP/${http}: ${name}`,
      fn: body,
    });

  test("a refusal carries status, fields and outcome", async () => {
    await using setting = await proxied(http, echo, {
      head: () => "HTTP/1.1 502 No\r\nProxy-Status: p; error=dns_error\r\nX-A: b\r\n\r\nbody",
      respond: () => ({ ":status": 502, "proxy-status": "p; error=dns_error", "x-a": "b" }),
    });
    const tunnel = await setting.client.connect(setting.target);
    assert(!tunnel.ok);
    assertEquals([tunnel.status, tunnel.headers.get("x-a")], [502, "b"]);
    assertEquals([tunnel.outcome.kind, tunnel.outcome.refusal], ["dns_error", "host-unreachable"]);
    assertMatch(tunnel.outcome.detail, /origin\.example:443/);
  });

  test("the request carries the target, the credentials and the caller's fields", async () => {
    await using setting = await proxied(http, echo, {}, {
      token: "t0ken",
      headers: { "x-every": "1", "x-this": "2" },
    });
    const tunnel = await setting.client.connect(setting.target, { headers: { "x-this": "3" } });
    assert(tunnel.ok);
    const [head] = setting.server.requests;
    for (const part of ["origin.example:443", "Bearer t0ken", "x-every", "x-this"]) {
      assert(head.includes(part), head);
    }
    assertMatch(head, /x-this"?: ?"?3/);
    assert(!setting.client.description.includes("t0ken"));
  });

  test("a target in IPv6 stands in brackets", async () => {
    await using setting = await proxied(http, echo);
    await setting.client.connect({ hostname: "2001:db8::1", port: 80 });
    assertMatch(setting.server.requests[0], /\[2001:db8::1\]:80/);
  });

  test("the signal gives up a request without an answer, and the client goes on", async () => {
    let silent = true;
    await using setting = await proxied(http, echo, {
      head: () => silent ? never() : "HTTP/1.1 200 OK\r\n\r\n",
      respond: () => silent ? undefined : { ":status": 200 },
    });
    const patience = new AbortController();
    const asked = setting.client.connect(setting.target, { signal: patience.signal });
    queueMicrotask(() => patience.abort(new Error("enough")));
    await assertRejects(() => asked, Error, "enough");
    silent = false;
    assert((await setting.client.connect(setting.target)).ok);
  });

  test("close gives up requests without an answer", async () => {
    await using setting = await proxied(http, echo, { head: never, respond: () => undefined });
    const asked = setting.client.connect(setting.target);
    asked.catch(() => {});
    await setting.client.close();
    await assertRejects(() => asked, DOMException, "closed");
  });

  test("a silent proxy is given up after the deadline", async () => {
    await using setting = await proxied(
      http,
      echo,
      { head: never, respond: () => undefined },
      { timeouts: { answerMs: 30 } },
    );
    const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
    assertEquals(error.outcome.kind, "connection_timeout");
    assertEquals(error.outcome.refusal, "host-unreachable");
  });

  test("a proxy that dies before the answer is unreachable", async () => {
    const kill = () => {
      queueMicrotask(() => setting.server.kill());
      return undefined;
    };
    await using setting = await proxied(http, echo, {
      head: () => (kill(), never()),
      respond: kill,
    });
    const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
    assertEquals(error.outcome.kind, "proxy_unreachable");
    assertEquals(error.outcome.refusal, "network-unreachable");
  });

  test("after a proxy died in the middle, the next flow finds it again", async () => {
    await using setting = await proxied(http, echo);
    const tunnel = await open(setting);
    const writer = tunnel.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(new Uint8Array(10));
    const reader = tunnel.readable.getReader();
    await reader.read();
    setting.server.kill();
    if (http !== "1.1") await assertRejects(() => reader.read());
    else assertEquals((await reader.read().catch(() => ({ done: true }))).done, true);
    await writer.abort().catch(() => {});
    assertEquals((await tunnel.closed).reason, "reset");
    const again = await open(setting);
    await again.readable.cancel();
  });

  test("a proxy that is gone altogether is unreachable", async () => {
    const setting = await proxied(http, echo);
    await (await open(setting)).readable.cancel();
    await setting.server[Symbol.asyncDispose]();
    const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
    assertEquals(error.outcome.refusal, "network-unreachable");
    await setting.client.close();
  });
}

const QUIET = { sanitizeOps: true, sanitizeResources: true };

Deno.test({
  ...QUIET,
  name: "HTTP/1.1: a head in single bytes, after hints, gives way to the tunnel's first bytes",
  async fn() {
    const head =
      "HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nfirst";
    await using setting = await proxied("1.1", (far) => far.end(), { head: () => [...head] });
    const tunnel = await open(setting);
    assertEquals(await new Response(tunnel.readable).text(), "first");
    await tunnel.writable.close();
    assertEquals((await tunnel.closed).reason, "finished");
  },
});

Deno.test({
  ...QUIET,
  name: "HTTP/1.1: garbage is no answer",
  async fn() {
    await using setting = await proxied("1.1", echo, { head: () => "SSH-2.0-x\r\n" });
    const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
    assertEquals(error.outcome.kind, "proxy_internal_error");
  },
});

Deno.test({
  ...QUIET,
  name: "HTTP/1.1: a first connection that the proxy closed meanwhile is replaced",
  async fn() {
    await using setting = await proxied("1.1", echo);
    setting.server.kill();
    const tunnel = await open(setting);
    await tunnel.readable.cancel();
    assertEquals(setting.server.connections(), 2);
  },
});

Deno.test({
  ...QUIET,
  name: "HTTP/1.1: the first connection serves the first tunnel, and each has its own",
  async fn() {
    await using setting = await proxied("1.1", echo);
    await open(setting);
    assertEquals(setting.server.connections(), 1);
    await open(setting);
    assertEquals(setting.server.connections(), 2);
  },
});

Deno.test({
  ...QUIET,
  name: "HTTP/1.1 cannot be taken for HTTP/2",
  async fn() {
    await using setting = await proxied("1.1", echo);
    const error = await assertRejects(
      () => connectTo(setting.server, false, { http: "2", timeouts: { dialMs: 300 } }),
      ProxyError,
    );
    assertEquals(error.outcome.kind, "proxy_unreachable");
  },
});

/**
 * What becomes of answers that are not the hoped-for ones, on the roads without CONNECT: connect-tcp, and POST by `fetch`.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProxyError } from "../../../src/errors.ts";
import { encodeData } from "../../../src/masque/tcp_capsules.ts";
import { MemoryClient } from "../../../src/tunnel/local/memory.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import { CERT } from "../../support/certificate.ts";
import { echo } from "../../support/far_side.ts";
import { serveFetch } from "../../support/fetch_server.ts";
import { proxied, SWITCHING_TCP, TCP_TEMPLATE } from "./roads.ts";

const TARGET = { hostname: "origin.example", port: 443 };
const QUIET = { sanitizeOps: true, sanitizeResources: true };
const tcpTemplate = TCP_TEMPLATE;

/** A client whose `fetch` is the test itself. */
function byOwnFetch(
  answer: (url: string, init: RequestInit) => Response | Promise<Response>,
  options: ConnectProxyOptions = {},
) {
  const fetch = (url: string, init: RequestInit) => Promise.resolve(answer(url, init));
  return connectProxy("https://proxy.example", { http: "fetch", fetch, ...options });
}

/** A port of loopback that nobody listens on. */
function deadPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("a connect-tcp request is for the template's resource, with credentials for an origin", async () => {
  await using h1 = await proxied("1.1", echo, { head: () => "HTTP/1.1 403 No\r\n\r\n" }, {
    tcpTemplate,
    token: "secret",
  });
  assertEquals((await h1.client.connect(TARGET)).ok, false);
  assertMatch(h1.server.requests[0], /^GET \/tcp\?target_host=origin\.example&target_port=443 /);
  assertMatch(h1.server.requests[0], /\r\nHost: masque\.example\r\n/);
  assertMatch(h1.server.requests[0], /\r\nauthorization: Bearer secret\r\n/);
  assertEquals(/proxy-authorization/i.test(h1.server.requests[0]), false);
});

Deno.test("an answer that is none to connect-tcp is no answer", async () => {
  const heads = [
    SWITCHING_TCP.replace("connect-tcp", "connect-udp"),
    SWITCHING_TCP.replace("Connection: Upgrade\r\n", ""),
    SWITCHING_TCP.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"),
  ];
  for (const head of heads) {
    await using setting = await proxied("1.1", echo, { head: () => head }, { tcpTemplate });
    const error = await assertRejects(() => setting.client.connect(TARGET), ProxyError);
    assertEquals(error.outcome.kind, "proxy_internal_error");
  }
});

Deno.test("a proxy that knows no extended CONNECT is not asked for it, and the operator learns what to do", async () => {
  await using setting = await proxied("2", echo, {}, { tcpTemplate });
  const refused = await setting.client.connect(TARGET);
  assert(!refused.ok);
  assertEquals(refused.outcome.kind, "proxy_configuration_error");
  assertMatch(refused.outcome.detail, /RFC 8441.*leave the template out/);
  assertEquals(setting.server.requests, []);
});

for (const http of ["1.1", "2"] as const) {
  Deno.test({
    ...QUIET,
    name: `connect-tcp over HTTP/${http}: a proxy that ends without FINAL_DATA has cut the tunnel`,
    async fn() {
      await using setting = await proxied(
        http,
        async (far) => {
          await far.write(encodeData(Uint8Array.of(1, 2, 3)));
          await far.end();
        },
        { head: () => SWITCHING_TCP, takesProtocols: true },
        { tcpTemplate },
      );
      const tunnel = await setting.client.connect(TARGET);
      assert(tunnel.ok);
      const reader = tunnel.readable.getReader();
      assertEquals((await reader.read()).value, Uint8Array.of(1, 2, 3));
      await assertRejects(() => reader.read(), ProxyError, "without FINAL_DATA");
      assertEquals((await tunnel.closed).reason, "reset");
    },
  });

  Deno.test({
    ...QUIET,
    name: `connect-tcp over HTTP/${http}: a proxy that never ends its stream is not waited for`,
    async fn() {
      const over = Promise.withResolvers<void>();
      await using setting = await proxied(
        http,
        async (far) => {
          await far.write(encodeData(new Uint8Array(0), true));
          await far.read();
          await over.promise;
        },
        { head: () => SWITCHING_TCP, takesProtocols: true },
        { tcpTemplate },
      );
      const tunnel = await setting.client.connect(TARGET);
      assert(tunnel.ok);
      await tunnel.writable.close();
      assertEquals((await tunnel.readable.getReader().read()).done, true);
      assertEquals((await tunnel.closed).reason, "finished");
      over.resolve();
    },
  });
}

Deno.test("a POST is for the proxy's own resource, or for the template's", async () => {
  const asked: string[] = [];
  const refuse = (url: string, { method, headers }: RequestInit) => {
    asked.push(`${method} ${url} ${new Headers(headers).get("authorization")}`);
    return new Response("no", { status: 403 });
  };
  await using own = await byOwnFetch(refuse, { token: "secret" });
  await own.connect(TARGET);
  await own.connectUdp({ hostname: "2001:db8::1", port: 53 });
  await using other = await byOwnFetch(refuse, { tcpTemplate });
  await other.connect(TARGET);
  const base = "POST https://proxy.example/.well-known/masque";
  assertEquals(asked, [
    `${base}/tcp/origin.example/443/ Bearer secret`,
    `${base}/udp/2001%3Adb8%3A%3A1/53/ Bearer secret`,
    "POST https://masque.example/tcp?target_host=origin.example&target_port=443 null",
  ]);
});

Deno.test("answers by fetch mean what they mean by CONNECT", async () => {
  const cases = [
    [403, "pseudotcp; error=destination_ip_prohibited", "destination_ip_prohibited"],
    [502, "pseudotcp; error=dns_error", "dns_error"],
    [502, "", "connection_refused"],
    [504, "", "connection_timeout"],
    [401, "", "proxy_authentication_required"],
    [404, "", "proxy_configuration_error"],
    [302, "", "proxy_configuration_error"],
  ] as const;
  for (const [status, proxyStatus, kind] of cases) {
    const headers = { "proxy-status": proxyStatus };
    await using client = await byOwnFetch(() => new Response("words", { status, headers }));
    const refused = await client.connect(TARGET);
    assert(!refused.ok);
    assertEquals([refused.status, refused.outcome.kind], [status, kind]);
  }
  await using page = await byOwnFetch(() => new Response("<html>"));
  const error = await assertRejects(() => page.connect(TARGET), ProxyError, "Capsule-Protocol");
  assertEquals(error.outcome.kind, "proxy_internal_error");
});

Deno.test("fetch goes inside no other proxy's tunnel, and says so", async () => {
  const via = new MemoryClient();
  const connecting = () => connectProxy("https://proxy.example", { http: "fetch", via });
  await assertRejects(connecting, TypeError, "Cannot fetch inside another proxy's tunnel");
  await via.close();
});

Deno.test("a fetch that fails, or never answers, is a proxy that gave no answer", async () => {
  await using broken = await byOwnFetch(() => Promise.reject(new TypeError("dns error: no")));
  const gone = await assertRejects(() => broken.connect(TARGET), ProxyError, "does not resolve");
  assertEquals(gone.outcome.kind, "proxy_unreachable");

  const never = (_url: string, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => {
      signal!.addEventListener("abort", () => reject(signal!.reason));
    });
  await using silent = await byOwnFetch(never, { timeouts: { answerMs: 50 } });
  const late = await assertRejects(
    () => silent.connectUdp(TARGET),
    ProxyError,
    "silence for 0.05 s",
  );
  assertEquals(late.outcome.kind, "connection_timeout");

  await using waiting = await byOwnFetch(never);
  const breaker = new AbortController();
  const asking = waiting.connect(TARGET, { signal: breaker.signal });
  breaker.abort(new Error("enough"));
  await assertRejects(() => asking, Error, "enough");
  const closing = waiting.connect(TARGET);
  await Promise.all([waiting.close(), assertRejects(() => closing, DOMException, "closed")]);
});

Deno.test({
  ...QUIET,
  name: "by fetch a wrong address and a wrong certificate are told at the start",
  async fn() {
    const http = "fetch";
    const nobody = `http://127.0.0.1:${deadPort()}`;
    await assertRejects(() => connectProxy(nobody, { http }), ProxyError, "nobody listens there");
    await using server = await serveFetch(echo, { tls: true });
    const url = `https://localhost:${server.port}`;
    await assertRejects(() => connectProxy(url, { http }), ProxyError, "is not trusted");
    await using client = await connectProxy(url, { http, caCerts: [CERT] });
    assertEquals(client.description, `${url} (fetch)`);
    assertEquals([client.tunnels, client.connections], [0, 0]);
    await client.reconnect();
    const none = await client.bindUdp!();
    assert(!none.ok);
    assertEquals(none.outcome.kind, "udp_unsupported");
  },
});

Deno.test("what fetch cannot be told is a mistake of the caller", async () => {
  const fetch = () => Promise.resolve(new Response());
  const cases: [ConnectProxyOptions, string][] = [
    [{ http: "fetch", pin: "ab".repeat(32) }, '"pin"'],
    [{ http: "fetch", insecure: true }, '"insecure"'],
    [{ http: "fetch", udpDraft03: true }, "draft 03"],
    [{ http: "fetch", fetch, caCerts: [CERT] }, "fetch of your own"],
    [{ http: "2", fetch }, "another road"],
    [{ tcpTemplate: "https://p.example/" }, "{target_host} is missing"],
  ];
  for (const [options, words] of cases) {
    await assertRejects(() => connectProxy("https://p.example", options), TypeError, words);
  }
});

/**
 * Faults of a proxy that need no kernel to be shown: what becomes of the flow, and what the operator reads. Those that do are in
 * `tests/integration/faults_test.ts`, those of HTTP/3 in `h3_test.ts`; a GOAWAY in the middle of flows is in `h2_test.ts`, storms of 407 in `credentials/authorizer_test.ts`, pins
 * in `trust_test.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { stub } from "@std/testing/mock";
import type * as http2 from "node:http2";
import { ProxyError } from "../../../src/errors.ts";
import {
  type Certificate,
  selfSignedCertificate,
} from "../../../src/proxy/certificate/certificate.ts";
import { serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import { echo } from "../../support/far_side.ts";
import { serveH2 } from "../../support/tunnel_servers.ts";
import { connectTo, open, proxied } from "./roads.ts";

ffiIsUsable(); // loads the C library once, for all tests

const QUIET = { sanitizeOps: true, sanitizeResources: true };
const VERSIONS = ["1.1", "2"] as const;
const MEBIBYTE = 1 << 20;

/** What the operator reads when the proxy has this certificate, and its authority is trusted. */
async function distrust(
  certificate: Certificate,
  http: "auto" | "3" | "2" | "1.1",
): Promise<string> {
  await using proxy = await serveProxy({ tls: certificate, http3: http === "3" });
  const caCerts = [certificate.cert];
  const error = await assertRejects(
    () => connectProxy(proxy.url, { http, caCerts }),
    ProxyError,
  );
  assertEquals([error.outcome.kind, error.outcome.refusal], [
    "proxy_unreachable",
    "network-unreachable",
  ]);
  return error.message;
}

Deno.test("a certificate that has expired is told as such", async () => {
  let expired: Certificate;
  {
    using _past = stub(Date, "now", () => Date.UTC(2020, 0, 1));
    expired = await selfSignedCertificate({ names: ["127.0.0.1"] });
  }
  for (const http of [...VERSIONS, "3"] as const) {
    assertMatch(await distrust(expired, http), /not trusted \(.*expired.*\)/i);
  }
});

Deno.test("a certificate for another name is told as such", async () => {
  const other = await selfSignedCertificate({ names: ["other.example"] });
  for (const http of [...VERSIONS, "3", "auto"] as const) {
    assertMatch(await distrust(other, http), /for other names|not valid for name/i);
  }
});

Deno.test({
  ...QUIET,
  name: "a stream limit of 1 means a connection for each flow, and every flow is carried",
  async fn() {
    await using setting = await proxied("2", echo, { maxStreams: 1 });
    const flows = await Promise.all(Array.from({ length: 8 }, () => open(setting)));
    for (const [i, { readable, writable }] of flows.entries()) {
      const writer = writable.getWriter();
      await writer.write(Uint8Array.of(i));
      await writer.close();
      assertEquals(await new Response(readable).bytes(), Uint8Array.of(i));
    }
    assert(setting.server.connections() >= 8, `${setting.server.connections()} connections`);
  },
});

Deno.test({
  ...QUIET,
  name: "a stream limit of 0 is told, when it lasts, and opens no further connections",
  async fn() {
    await using server = await serveH2(echo, { maxStreams: 0 });
    const error = await assertRejects(() => connectTo(server, false, { http: "2" }), ProxyError);
    assertMatch(error.message, /takes no tunnels: its SETTINGS allow 0 streams/);
    assertEquals(error.outcome.kind, "connection_limit_reached");
    assertEquals(server.connections(), 1);
  },
});

Deno.test({
  ...QUIET,
  name: "a stream limit of 0 that is raised is waited for",
  async fn() {
    const onSession = (session: http2.ServerHttp2Session) => {
      session.settings({ maxConcurrentStreams: 5 });
    };
    await using setting = await proxied("2", echo, { maxStreams: 0, onSession });
    await (await open(setting)).readable.cancel();
  },
});

for (const http of VERSIONS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `HTTP/${http}: ${name}`, fn });

  test("a 2xx with Content-Length is a tunnel all the same (RFC 9110, section 9.3.6)", async () => {
    await using setting = await proxied(http, echo, {
      head: () => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
      respond: () => ({ ":status": 200, "content-length": "3" }),
    });
    const { readable, writable, closed } = await open(setting);
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(1_000).fill(7));
    await writer.close();
    assertEquals((await new Response(readable).bytes()).length, 1_000);
    assertEquals((await closed).reason, "finished");
  });

  test("a head of 1 MiB is no answer, and the next flow is not harmed", async () => {
    const long = "x".repeat(MEBIBYTE);
    let isLong = true;
    await using setting = await proxied(http, echo, {
      head: () => isLong ? `HTTP/1.1 200 OK\r\nX-Long: ${long}\r\n\r\n` : "HTTP/1.1 200 OK\r\n\r\n",
      respond: () => isLong ? { ":status": 200, "x-long": long } : { ":status": 200 },
    }, { timeouts: { answerMs: 5_000 } });
    const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
    assertMatch(error.message, /Got no answer from the proxy http:\/\/127\.0\.0\.1:\d+: /);
    assert(error.message.length < 300, error.message);
    isLong = false;
    await (await open(setting)).readable.cancel();
  });
}

Deno.test({
  ...QUIET,
  name: "HTTP/1.1: 1xx before the 2xx is passed over",
  async fn() {
    await using setting = await proxied("1.1", echo, {
      head: () => "HTTP/1.1 103 Hints\r\nX-Hint: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    });
    const tunnel = await open(setting);
    assertEquals([tunnel.status, tunnel.headers.get("x-hint")], [200, null]);
    await tunnel.readable.cancel();
  },
});

Deno.test({
  ...QUIET,
  name: "HTTP/2: 1xx before the 2xx is passed over",
  async fn() {
    await using setting = await proxied("2", echo, {
      onSession: (session) => {
        session.prependListener("stream", (stream: http2.ServerHttp2Stream) => {
          stream.additionalHeaders({ ":status": 103, "x-hint": "a" });
        });
      },
    });
    const tunnel = await open(setting);
    assertEquals([tunnel.status, tunnel.headers.get("x-hint")], [200, null]);
    await tunnel.readable.cancel();
  },
});

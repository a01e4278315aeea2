import { assertEquals, assertMatch } from "@std/assert";
import http2 from "node:http2";
import { deferTeardown } from "../../support/http2_session.ts";
import { parseProxyStatus } from "../../../src/masque/proxy_status.ts";
import { type EmbeddedProxy, type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import {
  patternBytes,
  readConnection,
  readPattern,
  serveChargen,
  serveDiscard,
  serveEcho,
  serveTcp,
  writeAll,
} from "../../support/origin.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const text = new TextDecoder();

function startProxy(options: ProxyOptions = {}) {
  return serveProxy({ tls: false, allow: ["127.0.0.0/8"], ...options });
}

/** An HTTP/2 connection to the proxy that ends with its test. */
async function openSession(
  proxy: EmbeddedProxy,
): Promise<http2.ClientHttp2Session & AsyncDisposable> {
  const session = deferTeardown(
    http2.connect(proxy.url.replace("127.0.0.1", "localhost"), { ca: proxy.certificate }),
  );
  await new Promise<void>((resolve, reject) => {
    session.once("remoteSettings", () => resolve());
    session.once("error", reject);
  });
  session.on("error", () => {});
  const closed = new Promise<void>((resolve) => session.once("close", resolve));
  return Object.assign(session, {
    [Symbol.asyncDispose]: () => {
      session.destroy();
      return closed;
    },
  });
}

/** Asks for a tunnel and waits for the answer. */
async function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders) {
  const stream = session.request({ ":method": "CONNECT", ...headers });
  stream.on("error", () => {});
  const answer = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
    stream.once("response", resolve)
  );
  return { stream, answer };
}

async function open(session: http2.ClientHttp2Session, authority: string) {
  const { stream, answer } = await ask(session, { ":authority": authority });
  assertEquals(Number(answer[":status"]), 200);
  return stream;
}

function closedWith(stream: http2.ClientHttp2Stream): Promise<number | undefined> {
  return new Promise((resolve) => stream.once("close", () => resolve(stream.rstCode)));
}

async function proxyIsEmpty(proxy: EmbeddedProxy): Promise<void> {
  while (proxy.flows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

for (const tls of [false, "self-signed"] as const) {
  const how = tls ? "over TLS" : "in the clear";

  Deno.test(`HTTP/2 ${how}: END_STREAM is FIN, and ends one direction only`, async () => {
    await using origin = serveDiscard();
    await using proxy = await startProxy({ tls });
    await using session = await openSession(proxy);
    const stream = await open(session, origin.authority);
    const length = 3_000_000;
    for (let sent = 0; sent < length; sent += 100_000) stream.write(patternBytes(sent, 100_000));
    stream.end();
    let answer = "";
    for await (const chunk of stream) answer += text.decode(chunk);
    assertEquals(answer, String(length));
    await proxyIsEmpty(proxy);
  });

  Deno.test(`HTTP/2 ${how}: the origin's FIN leaves the other direction open`, async () => {
    const { promise: received, resolve } = Promise.withResolvers<number>();
    await using origin = serveTcp(async (conn) => {
      await conn.closeWrite();
      resolve(await readPattern(readConnection(conn)));
    });
    await using proxy = await startProxy({ tls });
    await using session = await openSession(proxy);
    const stream = await open(session, origin.authority);
    stream.resume();
    // The client of node:http2 says `end` before `response` when both come in one read.
    if (!stream.readableEnded) await new Promise((resolve) => stream.once("end", resolve));
    stream.end(patternBytes(0, 1000));
    assertEquals(await received, 1000);
    await proxyIsEmpty(proxy);
  });

  Deno.test(`HTTP/2 ${how}: many flows share a connection`, async () => {
    await using origin = serveChargen(300_000);
    await using proxy = await startProxy({ tls });
    await using session = await openSession(proxy);
    const flows = Array.from({ length: 20 }, async () => {
      const stream = await open(session, origin.authority);
      const length = await readPattern(stream.iterator({ destroyOnReturn: false }));
      stream.end();
      return length;
    });
    assertEquals(await Promise.all(flows), flows.map(() => 300_000));
    await proxyIsEmpty(proxy);
  });
}

Deno.test("HTTP/2: RST_STREAM ends the origin's connection", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  await using origin = serveTcp(async (conn) => {
    await conn.read(new Uint8Array(1)).catch(() => null);
    resolve();
  });
  await using proxy = await startProxy();
  await using session = await openSession(proxy);
  const stream = await open(session, origin.authority);
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await ended;
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/2: RST_STREAM after END_STREAM ends the origin's connection too", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  await using origin = serveTcp(async (conn) => {
    assertEquals(await conn.read(new Uint8Array(1)), null);
    await writeUntilBroken(conn);
    resolve();
  });
  await using proxy = await startProxy();
  await using session = await openSession(proxy);
  const stream = await open(session, origin.authority);
  stream.end();
  await new Promise((resolve) => stream.once("data", resolve));
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await ended;
  await proxyIsEmpty(proxy);
});

async function writeUntilBroken(conn: Deno.Conn): Promise<void> {
  const chunk = new Uint8Array(1 << 16);
  try {
    for (;;) await writeAll(conn, chunk);
  } catch {
    // That is what was waited for.
  }
}

Deno.test("HTTP/2: an origin that resets is a RST_STREAM, and no END_STREAM before it", async () => {
  const { createServer } = await import("node:net");
  const origin = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  await using proxy = await startProxy();
  await using session = await openSession(proxy);
  const { port } = origin.address() as { port: number };
  const stream = await open(session, `127.0.0.1:${port}`);
  let ended = false;
  stream.on("end", () => ended = true);
  stream.resume();
  stream.write("x");
  assertEquals(await closedWith(stream), http2.constants.NGHTTP2_CONNECT_ERROR);
  assertEquals(ended, false);
  await proxyIsEmpty(proxy);
  await new Promise((resolve) => origin.close(resolve));
});

Deno.test("HTTP/2: a slow origin closes the stream's window, and other flows go on", async () => {
  const { promise: mayEnd, resolve: letEnd } = Promise.withResolvers<void>();
  await using slow = serveTcp(() => mayEnd);
  await using echo = serveEcho();
  await using proxy = await startProxy();
  await using session = await openSession(proxy);
  const stuck = await open(session, slow.authority);
  const limit = 64 << 20;
  let sent = 0;
  let stalled: (() => void) | undefined;
  const stall = new Promise<void>((resolve) => stalled = resolve);
  const send = () => {
    if (sent >= limit || stuck.destroyed) return stalled!();
    const timer = setTimeout(() => stalled!(), 300);
    stuck.write(new Uint8Array(1 << 16), () => {
      clearTimeout(timer);
      sent += 1 << 16;
      send();
    });
  };
  send();
  await stall;
  assertEquals(sent < limit, true, "the client was never stopped");
  const lively = await open(session, echo.authority);
  lively.end("still here");
  let answer = "";
  for await (const chunk of lively) answer += text.decode(chunk);
  assertEquals(answer, "still here");
  stuck.close(http2.constants.NGHTTP2_CANCEL);
  letEnd();
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/2: every refusal has a status, a Proxy-Status and a sentence", async () => {
  await using proxy = await startProxy({ limits: { flowsPerClient: 0 } });
  await using guarded = await startProxy({ token: "good", allow: [] });
  const bearer = { "proxy-authorization": "Bearer good" };
  const table: [EmbeddedProxy, http2.OutgoingHttpHeaders, number, string][] = [
    [proxy, { ":authority": "127.0.0.1:1" }, 503, "connection_limit_reached"],
    [proxy, { ":authority": "nonsense" }, 400, "http_request_error"],
    [proxy, { ":method": "GET", ":path": "/", ":scheme": "http" }, 404, "http_request_error"],
    [guarded, { ":authority": "127.0.0.1:1" }, 407, "http_request_denied"],
    [guarded, { ":authority": "127.0.0.1:1", ...bearer }, 403, "destination_ip_prohibited"],
    [guarded, { ":authority": "no.invalid:1", ...bearer }, 502, "dns_error"],
  ];
  for (const [server, headers, status, error] of table) {
    await using session = await openSession(server);
    const { stream, answer } = await ask(session, headers);
    assertEquals(Number(answer[":status"]), status, JSON.stringify(headers));
    assertEquals(parseProxyStatus(String(answer["proxy-status"]))[0].error, error);
    let body = "";
    for await (const chunk of stream) body += text.decode(chunk);
    assertMatch(body, /^[A-Z].*\.\n$/);
  }
});

Deno.test("HTTP/2: a connection without flows is closed after a while", async () => {
  await using proxy = await startProxy({ limits: { idleTimeoutMs: 20 } });
  const session = await openSession(proxy);
  await new Promise((resolve) => session.once("close", resolve));
});

Deno.test("HTTP/2: a client that vanishes takes its flows with it", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  await using origin = serveTcp(async (conn) => {
    await conn.read(new Uint8Array(1)).catch(() => null);
    resolve();
  });
  await using proxy = await startProxy();
  const session = await openSession(proxy);
  const stream = await open(session, origin.authority);
  stream.on("error", () => {});
  await session[Symbol.asyncDispose]();
  await ended;
  await proxyIsEmpty(proxy);
});

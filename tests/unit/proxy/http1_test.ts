import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type AddressInfo, createServer } from "node:net";
import { createLog } from "../../../src/log.ts";
import { parseProxyStatus } from "../../../src/masque/proxy_status.ts";
import { type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import {
  patternBytes,
  readConnection,
  readPattern,
  serveDiscard,
  serveEcho,
  serveTcp,
  writeAll,
} from "../../support/origin.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const LOOPBACK = ["127.0.0.0/8", "::1/128"];
const text = new TextDecoder();
const bytes = (words: string) => new TextEncoder().encode(words);

function startProxy(options: ProxyOptions = {}) {
  return serveProxy({ tls: false, allow: LOOPBACK, ...options });
}

function connectHead(authority: string, ...fields: string[]): string {
  return [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...fields, "", ""].join("\r\n");
}

/** Reads to the end of the head and returns it; what follows stays in the connection. */
async function readHead(conn: Deno.Conn): Promise<string> {
  const one = new Uint8Array(1);
  let head = "";
  while (!head.endsWith("\r\n\r\n") && await conn.read(one) !== null) head += text.decode(one);
  return head;
}

/** Sends `request` and returns all that comes until the proxy closes. */
async function exchange(port: number, request: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, bytes(request));
  let answer = "";
  for await (const chunk of readConnection(conn)) answer += text.decode(chunk);
  return answer;
}

/** The status and what `Proxy-Status` says. */
function verdict(answer: string): { status: number; error?: string } {
  const field = /^proxy-status: (.*)$/m.exec(answer);
  const [status] = parseProxyStatus(field?.[1].trim() ?? "");
  return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]), error: status?.error };
}

/** A tunnel that stands. */
async function openTunnel(port: number, authority: string, ...fields: string[]) {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, bytes(connectHead(authority, ...fields)));
  assertMatch(await readHead(conn), /^HTTP\/1\.1 200 /);
  return conn;
}

/** A loopback port that nobody listens on. */
function deadPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("bytes pass in both directions, and a FIN ends one of them only", async () => {
  await using origin = serveDiscard();
  await using proxy = await startProxy();
  using conn = await openTunnel(proxy.port, origin.authority);
  const length = 3_000_000;
  await writeAll(conn, patternBytes(0, length));
  await conn.closeWrite();
  let answer = "";
  for await (const chunk of readConnection(conn)) answer += text.decode(chunk);
  assertEquals(answer, String(length));
});

Deno.test("the origin's FIN leaves the other direction open", async () => {
  const { promise: received, resolve } = Promise.withResolvers<number>();
  await using origin = serveTcp(async (conn) => {
    await conn.closeWrite();
    resolve(await readPattern(readConnection(conn)));
  });
  await using proxy = await startProxy();
  using conn = await openTunnel(proxy.port, origin.authority);
  assertEquals(await conn.read(new Uint8Array(1)), null);
  await writeAll(conn, patternBytes(0, 1000));
  await conn.closeWrite();
  assertEquals(await received, 1000);
});

Deno.test("bytes behind the head reach the origin after the 2xx", async () => {
  await using origin = serveEcho();
  await using proxy = await startProxy();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await writeAll(conn, bytes(connectHead(origin.authority) + "early"));
  assertMatch(await readHead(conn), /^HTTP\/1\.1 200 /);
  const echo = new Uint8Array(5);
  await conn.read(echo);
  assertEquals(text.decode(echo), "early");
});

Deno.test("bytes behind a refused CONNECT are no second request", async () => {
  let connections = 0;
  await using origin = serveTcp(() => Promise.resolve(void connections++));
  await using proxy = await startProxy();
  const refused = connectHead(`127.0.0.1:${deadPort()}`);
  const answer = await exchange(proxy.port, refused + connectHead(origin.authority));
  assertEquals(answer.match(/HTTP\/1\.1 /g)?.length, 1);
  assertEquals(verdict(answer), { status: 502, error: "connection_refused" });
  assertEquals(connections, 0);
});

Deno.test("a slow origin slows the client, and the proxy holds no more than the kernel's buffers", async () => {
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>();
  const { promise: received, resolve } = Promise.withResolvers<number>();
  await using origin = serveTcp(async (conn) => {
    await mayRead;
    resolve(await readPattern(readConnection(conn)));
  });
  await using proxy = await startProxy();
  using conn = await openTunnel(proxy.port, origin.authority);
  const limit = 64 << 20; // far more than the buffers of two loopback connections
  let sent = 0;
  let stalled: (() => void) | undefined;
  const sending = (async () => {
    while (sent < limit) {
      const timer = setTimeout(() => stalled?.(), 300);
      const chunk = patternBytes(sent, 1 << 16);
      await writeAll(conn, chunk);
      clearTimeout(timer);
      sent += chunk.length;
    }
    await conn.closeWrite();
  })();
  await Promise.race([sending, new Promise<void>((resolve) => stalled = resolve)]);
  assertEquals(sent < limit, true, "the client was never stopped");
  letRead();
  await sending;
  assertEquals(await received, limit);
});

Deno.test("an origin that resets is a reset to the client", async () => {
  // By node:net, because a connection of Deno's sends a FIN before anything else.
  const origin = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  await using proxy = await startProxy();
  const { port } = origin.address() as AddressInfo;
  using conn = await openTunnel(proxy.port, `127.0.0.1:${port}`);
  await writeAll(conn, bytes("x"));
  await assertRejects(() => conn.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  await proxyIsEmpty(proxy);
  await new Promise((resolve) => origin.close(resolve));
});

Deno.test("a client that breaks off ends the tunnel", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  await using origin = serveTcp(async (conn) => {
    await conn.read(new Uint8Array(1)).catch(() => null);
    resolve();
  });
  await using proxy = await startProxy();
  const conn = await openTunnel(proxy.port, origin.authority);
  conn.close();
  await ended;
  await proxyIsEmpty(proxy);
});

/** Waits until no flow is counted any more; the test's own timeout is the limit. */
async function proxyIsEmpty(proxy: { readonly flows: number }): Promise<void> {
  while (proxy.flows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("an address that nobody listens on is a 502 connection_refused", async () => {
  await using proxy = await startProxy();
  const answer = await exchange(proxy.port, connectHead(`127.0.0.1:${deadPort()}`));
  assertEquals(verdict(answer), { status: 502, error: "connection_refused" });
});

Deno.test("a name that does not resolve is a 502 dns_error", async () => {
  await using proxy = await startProxy();
  const answer = await exchange(proxy.port, connectHead("no-such-name.invalid:80"));
  assertEquals(verdict(answer), { status: 502, error: "dns_error" });
});

Deno.test("an address that is not public is a 403, by name too, and its address stays unsaid", async () => {
  await using origin = serveEcho();
  await using proxy = await startProxy({ allow: [] });
  for (
    const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "127.1"]
  ) {
    const answer = await exchange(proxy.port, connectHead(`${host}:${origin.port}`));
    assertEquals(verdict(answer), { status: 403, error: "destination_ip_prohibited" }, host);
    if (host === "localhost") assertEquals(answer.includes("127.0.0.1"), false);
  }
});

Deno.test("an origin that does not answer is a 504 connection_timeout", async () => {
  // No time at all: what loopback could be too slow for otherwise is not to be had without a privilege.
  await using proxy = await startProxy({ limits: { dialTimeoutMs: 0 } });
  const answer = await exchange(proxy.port, connectHead(`127.0.0.1:${deadPort()}`));
  assertEquals(verdict(answer), { status: 504, error: "connection_timeout" });
});

Deno.test("without the right credentials there is a 407 and nothing is dialled", async () => {
  let connections = 0;
  await using origin = serveTcp(() => Promise.resolve(void connections++));
  await using proxy = await startProxy({ token: "good", basic: { user: "u", pass: "p" } });
  for (const fields of [[], ["Proxy-Authorization: Bearer bad"], ["Authorization: Bearer good"]]) {
    const answer = await exchange(proxy.port, connectHead(origin.authority, ...fields));
    assertEquals(verdict(answer), { status: 407, error: "http_request_denied" });
    assertEquals(answer.match(/^proxy-authenticate: /gm)?.length, 2);
  }
  assertEquals(connections, 0);
  for (const value of ["Bearer good", "PrivacyToken token=good", `Basic ${btoa("u:p")}`]) {
    const conn = await openTunnel(proxy.port, origin.authority, `Proxy-Authorization: ${value}`);
    conn.close();
  }
});

Deno.test("secrets reach neither the log nor an answer", async () => {
  const lines: string[] = [];
  const log = createLog("trace", (_level, line) => lines.push(line));
  await using proxy = await startProxy({ token: "right-secret", log });
  const head = connectHead("a:1", "Proxy-Authorization: Bearer wrong-secret");
  const said = await exchange(proxy.port, head) + lines.join("\n");
  assertStringIncludes(said, "407");
  assertEquals(said.includes("secret"), false);
});

Deno.test("other methods and other targets are told what this is", async () => {
  await using proxy = await startProxy();
  const host = "Host: a\r\n\r\n";
  const table: [request: string, status: number][] = [
    [`GET / HTTP/1.1\r\n${host}`, 404],
    [`GET http://example.com/ HTTP/1.1\r\n${host}`, 405],
    [`BREW pot HTTP/1.1\r\n${host}`, 405],
    [`CONNECT example.com HTTP/1.1\r\n${host}`, 400],
    [`CONNECT example.com:0 HTTP/1.1\r\n${host}`, 400],
    [`CONNECT user@example.com:1 HTTP/1.1\r\n${host}`, 400],
    ["CONNECT example.com:1 HTTP/1.1\r\n\r\n", 400],
    ["CONNECT a:1 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    [connectHead("a:1", "Content-Length: 5"), 400],
    [connectHead("a:1", "Transfer-Encoding: chunked"), 400],
    ["\x16\x03\x01 this is no HTTP\r\n\r\n", 400],
  ];
  for (const [request, status] of table) {
    const answer = await exchange(proxy.port, request);
    assertEquals(verdict(answer), { status, error: "http_request_error" }, request);
    const [, body] = answer.split("\r\n\r\n");
    assertMatch(body, /^[A-Z].*\.\n$/);
  }
});

Deno.test("a head that never ends is a 431", async () => {
  await using proxy = await startProxy({ limits: { headBytes: 1024 } });
  const answer = await exchange(proxy.port, `CONNECT a:1 HTTP/1.1\r\nX: ${"x".repeat(2000)}`);
  assertEquals(verdict(answer), { status: 431, error: "http_request_error" });
});

Deno.test("a head that comes a byte at a time is a 408", async () => {
  await using proxy = await startProxy({ limits: { headTimeoutMs: 100 } });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await writeAll(conn, bytes("C"));
  const trickle = setInterval(() => conn.write(bytes("x")).catch(() => {}), 20);
  try {
    assertMatch(await readHead(conn), /^HTTP\/1\.1 408 /);
  } finally {
    clearInterval(trickle);
  }
});

Deno.test("a flow above a limit is a 503, and fits again once another has ended", async () => {
  await using origin = serveEcho();
  await using proxy = await startProxy({ limits: { flowsPerClient: 2 } });
  const first = await openTunnel(proxy.port, origin.authority);
  const second = await openTunnel(proxy.port, origin.authority);
  const answer = await exchange(proxy.port, connectHead(origin.authority));
  assertEquals(verdict(answer), { status: 503, error: "connection_limit_reached" });
  first.close();
  while (proxy.flows > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const third = await openTunnel(proxy.port, origin.authority);
  second.close();
  third.close();
});

Deno.test("a connection above a limit is closed without a word", async () => {
  await using proxy = await startProxy({ limits: { connections: 1 } });
  using first = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await writeAll(first, bytes("C")); // it is counted once it is accepted, in order
  using second = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  assertEquals(await second.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("closing the proxy ends what is open, and frees the port", async () => {
  await using origin = serveEcho();
  const proxy = await startProxy();
  using conn = await openTunnel(proxy.port, origin.authority);
  await proxy.close();
  await proxy.close();
  assertEquals(await conn.read(new Uint8Array(1)).catch(() => null), null);
  Deno.listen({ hostname: proxy.hostname, port: proxy.port }).close();
});

Deno.test("over TLS the same is served to a client that trusts the certificate", async () => {
  await using origin = serveEcho();
  await using proxy = await startProxy({ tls: "self-signed" });
  const { port, certificate } = proxy;
  using conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [certificate!] });
  await writeAll(conn, bytes(connectHead(origin.authority)));
  assertMatch(await readHead(conn), /^HTTP\/1\.1 200 /);
  await writeAll(conn, bytes("hello"));
  const echo = new Uint8Array(5);
  await conn.read(echo);
  assertEquals(text.decode(echo), "hello");
});

Deno.test("an IPv6 origin is reached by its address in brackets", async () => {
  await using origin = serveEcho("::1");
  await using proxy = await startProxy();
  using conn = await openTunnel(proxy.port, origin.authority);
  await writeAll(conn, bytes("x"));
  assertEquals(await conn.read(new Uint8Array(1)), 1);
});

Deno.test("a host that the operator leads elsewhere is reached there, and the guard judges where it leads", async () => {
  await using origin = serveEcho();
  const hosts = {
    "origin.example": "127.0.0.1",
    "203.0.113.9": "127.0.0.1",
    "closed.example": "10.0.0.1",
  };
  await using proxy = await startProxy({ hosts });
  for (const host of ["origin.example", "ORIGIN.example", "203.0.113.9"]) {
    using conn = await openTunnel(proxy.port, `${host}:${origin.port}`);
    await writeAll(conn, bytes("x"));
    assertEquals(await conn.read(new Uint8Array(1)), 1, host);
  }
  const answer = await exchange(proxy.port, connectHead("closed.example:80"));
  assertEquals(verdict(answer).status, 403);
});

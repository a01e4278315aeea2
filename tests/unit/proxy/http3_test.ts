import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as dgram from "node:dgram";
import * as net from "node:net";
import { concatBytes } from "../../../src/bytes.ts";
import { CapsuleParser } from "../../../src/masque/capsule.ts";
import { encodeDatagramCapsule } from "../../../src/masque/datagram.ts";
import { ERROR } from "../../../src/masque/h3/codes.ts";
import type { Field } from "../../../src/masque/fields/field.ts";
import { parseProxyStatus } from "../../../src/masque/proxy_status.ts";
import { type EmbeddedProxy, type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import {
  patternBytes,
  readConnection,
  readPattern,
  serveChargen,
  serveDiscard,
  serveTcp,
} from "../../support/origin.ts";
import { connectRawH3, type RawH3 } from "../../support/raw_h3.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

function startProxy(options: ProxyOptions = {}): Promise<EmbeddedProxy> {
  return serveProxy({ allow: ["127.0.0.0/8"], http3: true, ...options });
}

const connect = (authority: string): Field[] => [[":method", "CONNECT"], [":authority", authority]];

const connectUdp = (port: number): Field[] => [
  [":method", "CONNECT"],
  [":protocol", "connect-udp"],
  [":scheme", "https"],
  [":authority", "proxy.example"],
  [":path", `/.well-known/masque/udp/127.0.0.1/${port}/`],
  ["capsule-protocol", "?1"],
];

async function open(raw: RawH3, authority: string) {
  const { stream, status } = await raw.ask(connect(authority));
  assertEquals(status, 200);
  return stream;
}

async function proxyIsEmpty(proxy: EmbeddedProxy): Promise<void> {
  while (proxy.flows > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  return Array.fromAsync(stream);
}

/** An origin on the kernel's sockets, which tells a reset from an end. */
async function origin(onSocket: (socket: net.Socket) => void) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    authority: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test("HTTP/3: the end of a stream is FIN, and ends one direction only", async () => {
  await using origin = serveDiscard();
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const { duplex } = await open(raw, origin.authority);
  const length = 3_000_000;
  for (let sent = 0; sent < length; sent += 100_000) duplex.write(patternBytes(sent, 100_000));
  duplex.end();
  const answer = new TextDecoder().decode(concatBytes(await bytesOf(duplex)));
  assertEquals(answer, String(length));
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/3: the origin's FIN leaves the other direction open", async () => {
  const { promise: received, resolve } = Promise.withResolvers<number>();
  await using origin = serveTcp(async (conn) => {
    await conn.closeWrite();
    resolve(await readPattern(readConnection(conn)));
  });
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const { duplex } = await open(raw, origin.authority);
  duplex.resume();
  await new Promise((resolve) => duplex.once("end", resolve));
  duplex.end(patternBytes(0, 1000));
  assertEquals(await received, 1000);
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/3: many flows share a connection", async () => {
  await using origin = serveChargen(300_000);
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const flows = Array.from({ length: 20 }, async () => {
    const { duplex } = await open(raw, origin.authority);
    const length = await readPattern(duplex.iterator({ destroyOnReturn: false }));
    duplex.end();
    return length;
  });
  assertEquals(await Promise.all(flows), flows.map(() => 300_000));
  await proxyIsEmpty(proxy);
});

for (const isForeign of [false, true]) {
  const who = isForeign ? "a client that is not ours" : "a client of ours";

  Deno.test(`HTTP/3: an origin that resets never looks whole to ${who}`, async () => {
    await using far = await origin((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    await using proxy = await startProxy();
    await using raw = await connectRawH3(proxy, { isForeign });
    const { duplex } = await open(raw, far.authority);
    const read = bytesOf(duplex);
    duplex.write("x");
    await assertRejects(() => read);
    assertEquals(duplex.readableEnded, false);
    await proxyIsEmpty(proxy);
    // A connection that can say it in no other way ends, once nothing else is on it.
    assertEquals(raw.connection.isOver, isForeign);
  });
}

Deno.test("HTTP/3: a client's reset is one at the origin, an end is none", async () => {
  const ended = Promise.withResolvers<string>();
  await using far = await origin((socket) => {
    socket.on("data", () => {});
    socket.once("end", () => ended.resolve("end"));
    socket.once("error", (error: Error & { code: string }) => ended.resolve(error.code));
  });
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const stream = await open(raw, far.authority);
  await new Promise((resolve) => stream.duplex.write("half of it", resolve));
  stream.breakOff("enough");
  assertEquals(await ended.promise, "ECONNRESET");
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/3: a client that vanishes resets its flows", async () => {
  const ended = Promise.withResolvers<string>();
  await using far = await origin((socket) => {
    socket.on("data", () => {});
    socket.once("end", () => ended.resolve("end"));
    socket.once("error", (error: Error & { code: string }) => ended.resolve(error.code));
  });
  await using proxy = await startProxy();
  const raw = await connectRawH3(proxy);
  await open(raw, far.authority);
  await raw[Symbol.asyncDispose]();
  assertEquals(await ended.promise, "ECONNRESET");
  await proxyIsEmpty(proxy);
});

Deno.test("HTTP/3: every refusal has a status, a Proxy-Status and a sentence", async () => {
  await using proxy = await startProxy({ limits: { flowsPerClient: 0 } });
  await using guarded = await startProxy({ token: "good", allow: [] });
  const bearer: Field = ["proxy-authorization", "Bearer good"];
  const rest: Field[] = [[":scheme", "https"], [":authority", "p"], [":path", "/"]];
  const table: [EmbeddedProxy, Field[], number, string][] = [
    [proxy, connect("127.0.0.1:1"), 503, "connection_limit_reached"],
    [proxy, connect("nonsense"), 400, "http_request_error"],
    [proxy, [[":method", "GET"], ...rest], 404, "http_request_error"],
    // What a client of ours asks when it doubts that the proxy lives.
    [
      proxy,
      [[":method", "OPTIONS"], ...rest.slice(0, 2), [":path", "*"]],
      405,
      "http_request_error",
    ],
    [
      proxy,
      [[":method", "CONNECT"], [":protocol", "websocket"], ...rest],
      501,
      "http_request_error",
    ],
    [guarded, connect("127.0.0.1:1"), 407, "http_request_denied"],
    [guarded, [...connect("127.0.0.1:1"), bearer], 403, "destination_ip_prohibited"],
    [guarded, [...connect("no.invalid:1"), bearer], 502, "dns_error"],
  ];
  for (const [server, head, status, error] of table) {
    await using raw = await connectRawH3(server);
    const { stream, status: got, fields } = await raw.ask(head);
    assertEquals(got, status, JSON.stringify(head));
    assertEquals(parseProxyStatus(fields.get("proxy-status")!)[0].error, error);
    const body = new TextDecoder().decode(concatBytes(await bytesOf(stream.duplex)));
    assertMatch(body, /^[A-Z].*\.\n$/);
  }
});

Deno.test("HTTP/3: a malformed head spoils its stream, and the next one is served", async () => {
  await using far = serveDiscard();
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const heads: Field[][] = [
    [[":method", "CONNECT"], [":scheme", "https"], [":authority", "a:1"]],
    [...connect("a:1"), ["connection", "close"]],
    [...connect("a:1"), ["x", "y".repeat(20_000)]],
  ];
  for (const head of heads) await assertRejects(() => raw.ask(head));
  const { duplex } = await open(raw, far.authority);
  duplex.end();
  await bytesOf(duplex);
});

Deno.test("HTTP/3: a frame in the wrong place ends the connection with its code", async () => {
  await using proxy = await startProxy();
  await using raw = await connectRawH3(proxy);
  const stream = await raw.quic.createBidirectionalStream();
  const writer = stream.writable.getWriter();
  await writer.write(new Uint8Array([0x0, 0x1, 0x7])); // DATA before HEADERS
  const why = await raw.connection.closed;
  assert(why.includes(`code ${ERROR.FRAME_UNEXPECTED}`), why);
  await stream.readable.cancel().catch(() => {});
});

Deno.test("HTTP/3: a connection without flows is closed after a while, with a GOAWAY", async () => {
  await using proxy = await startProxy({ limits: { idleTimeoutMs: 20 } });
  await using raw = await connectRawH3(proxy);
  await raw.connection.closed;
});

Deno.test("HTTP/3: a connection above the limit is closed, and others go on", async () => {
  await using proxy = await startProxy({ limits: { connectionsPerClient: 1 } });
  await using first = await connectRawH3(proxy);
  await assertRejects(async () => {
    await using _ = await connectRawH3(proxy);
  });
  assertEquals(first.connection.isOver, false);
});

Deno.test("HTTP/3: what fits goes as a QUIC datagram, what does not as a capsule, both ways", async () => {
  const echo = dgram.createSocket("udp4");
  echo.on("message", (bytes: Uint8Array, from: dgram.RemoteInfo) => {
    echo.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => echo.bind(0, "127.0.0.1", resolve));
  try {
    await using proxy = await startProxy();
    await using raw = await connectRawH3(proxy);
    const { stream, status, fields } = await raw.ask(connectUdp(echo.address().port));
    assertEquals([status, fields.get("capsule-protocol")], [200, "?1"]);
    const datagrams: number[] = [];
    const capsules: number[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const check = () => datagrams.length === 2 && capsules.length === 2 && resolve();
    stream.receiveDatagrams((datagram) => {
      assertEquals(datagram[0], 0);
      datagrams.push(datagram.length - 1);
      check();
    });
    const parser = new CapsuleParser({
      maxLength: () => 65_536,
      capsule(_type, value) {
        capsules.push(value.length - 1);
        check();
        return undefined;
      },
    });
    stream.duplex.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
      assertEquals(parser.push(new Uint8Array(chunk)), undefined);
    });
    assert(stream.sendDatagram(0, new Uint8Array(1000)));
    assert(!stream.sendDatagram(0, new Uint8Array(5000)));
    stream.duplex.write(encodeDatagramCapsule(0, new Uint8Array(5000)));
    stream.duplex.write(encodeDatagramCapsule(0, new Uint8Array(20_000)));
    stream.duplex.write(encodeDatagramCapsule(0, new Uint8Array(1))); // may come either way, and goes back as it likes
    await done;
    assertEquals(datagrams.sort((a, b) => a - b), [1, 1000]);
    assertEquals(capsules, [5_000, 20_000]);
    stream.duplex.end();
    await proxyIsEmpty(proxy);
  } finally {
    await new Promise<void>((resolve) => echo.close(() => resolve()));
  }
});

Deno.test("HTTP/3 needs TLS, is served by itself where it can be, and not where it is not wanted", async () => {
  await assertRejects(() => startProxy({ tls: false }), TypeError, "needs TLS");
  await using plain = await serveProxy({ tls: false });
  await using off = await serveProxy({ http3: false });
  await using on = await serveProxy();
  assertEquals([plain.http3, off.http3, on.http3], [false, false, true]);
});

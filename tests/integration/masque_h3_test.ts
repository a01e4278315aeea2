import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as dgram from "node:dgram";
import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import { serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import type { OpenTunnel, OpenUdpTunnel, ProxyClient } from "../../src/tunnel/tunnel.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { startEnvoy } from "../support/envoy.ts";
import { serveEcho, serveTcp } from "../support/origin.ts";
import { startProcess } from "../support/process.ts";
import { requires } from "../support/requires.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const PEER = new URL("../support/masque_peer.py", import.meta.url).pathname;

/** A UDP server on loopback that sends back what it gets. */
async function echoDatagrams(): Promise<{ readonly port: number } & AsyncDisposable> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (bytes: Uint8Array, from: dgram.RemoteInfo) => {
    socket.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

async function open(client: ProxyClient, port: number): Promise<OpenTunnel> {
  const tunnel = await client.connect({ hostname: "127.0.0.1", port });
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

async function openUdp(client: ProxyClient, port: number): Promise<OpenUdpTunnel> {
  const tunnel = await client.connectUdp({ hostname: "127.0.0.1", port });
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

/** Bytes there and back, and both ends in order. */
async function passBytes(client: ProxyClient): Promise<void> {
  await using origin = serveEcho();
  const tunnel = await open(client, origin.port);
  const sent = crypto.getRandomValues(new Uint8Array(65_536));
  const writing = (async () => {
    const writer = tunnel.writable.getWriter();
    for (let i = 0; i < 32; i++) await writer.write(sent.slice());
    await writer.close();
  })();
  let at = 0;
  for await (const bytes of tunnel.readable) {
    for (const byte of bytes) {
      if (byte !== sent[at++ % sent.length]) throw new Error(`another byte came back at ${at - 1}`);
    }
  }
  await writing;
  assertEquals(at, 32 * sent.length);
  assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
}

/** Datagrams there and back. UDP may lose one on a busy machine, so each is sent until it came. */
async function passDatagrams(client: ProxyClient, lengths: readonly number[]): Promise<void> {
  await using origin = await echoDatagrams();
  const tunnel = await openUdp(client, origin.port);
  for (const length of lengths) {
    const payload = new Uint8Array(length).fill(length & 0xff);
    const came = Promise.withResolvers<void>();
    tunnel.receive({
      datagram(got) {
        if (got.length !== length) return; // an earlier one, sent twice
        assertEquals(got.slice(), payload);
        came.resolve();
      },
    });
    tunnel.send(payload);
    const again = setInterval(() => tunnel.send(payload), 1_000);
    const late = setTimeout(
      () => came.reject(new Error(`${length} bytes never came back`)),
      10_000,
    );
    await came.promise.finally(() => {
      clearInterval(again);
      clearTimeout(late);
    });
  }
  tunnel.close();
  assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
}

/** An origin's reset is one here, and never an end. */
async function passReset(client: ProxyClient): Promise<void> {
  const { createServer } = await import("node:net");
  const origin = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const tunnel = await open(client, (origin.address() as { port: number }).port);
  const writer = tunnel.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(3));
  await assertRejects(() => Array.fromAsync(tunnel.readable));
  assertEquals((await tunnel.closed).reason, "reset");
  await new Promise((resolve) => origin.close(resolve));
}

/** A flow that we break off leaves the others on its connection alone. */
async function breakOne(client: ProxyClient): Promise<void> {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  await using origin = serveTcp(async (conn) => {
    await conn.read(new Uint8Array(10)).catch(() => {});
    await over;
  });
  await using echo = serveEcho();
  const other = await open(client, echo.port);
  const broken = await open(client, origin.port);
  const writer = broken.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(3));
  await broken.readable.cancel();
  assertEquals((await broken.closed).reason, "reset");
  const said = other.writable.getWriter();
  await said.write(new Uint8Array([1, 2, 3]));
  await said.close();
  assertEquals(await Array.fromAsync(other.readable), [new Uint8Array([1, 2, 3])]);
  end();
}

Deno.test("flows pass Envoy, over HTTP/3", requires("envoy", "openssl"), async () => {
  await using envoy = await startEnvoy({ tls: true });
  const caCerts = [await Deno.readTextFile(envoy.caFile)];
  await using client = await connectProxy(`https://${envoy.authority}`, { http: "3", caCerts });
  await passBytes(client);
  await passReset(client);
  await breakOne(client);
  const refused = await client.connect({ hostname: "127.0.0.1", port: 1 });
  assert(!refused.ok && refused.status === 503);
});

/** Envoy 1.40 drops what comes back longer than a QUIC datagram of its own, so only short ones can make the way twice. */
Deno.test("datagrams pass Envoy, over HTTP/3", requires("envoy", "openssl"), async () => {
  await using envoy = await startEnvoy({ tls: true });
  const caCerts = [await Deno.readTextFile(envoy.caFile)];
  await using client = await connectProxy(`https://${envoy.authority}`, { http: "3", caCerts });
  await passDatagrams(client, [1, 0, 100, 1_000, 1_100]);
});

async function files() {
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-masque-" });
  const [ca, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(ca, CERT);
  await Deno.writeTextFile(key, KEY);
  const remove = () => Deno.remove(folder, { recursive: true });
  return { ca, key, [Symbol.asyncDispose]: remove };
}

Deno.test(
  "flows and datagrams pass a proxy of aioquic, over HTTP/3",
  requires("aioquic"),
  async () => {
    await using certificate = await files();
    const { ca, key } = certificate;
    await using peer = startProcess("python3", [PEER, "proxy", ca, key]);
    const [, port] = await peer.waitFor(/^listening (\d+)/m, 20_000);
    const url = `https://127.0.0.1:${port}`;
    await using client = await connectProxy(url, { http: "3", caCerts: [CERT] });
    await passBytes(client);
    await passDatagrams(client, [1, 100, 1_000, 1_200, 5_000, 60_000]);
    await passReset(client);
    await breakOne(client);
    const refused = await client.connect({ hostname: "127.0.0.1", port: 1 });
    assert(!refused.ok && refused.status === 502);
  },
);

Deno.test(
  "a client of aioquic gets flows and datagrams through the proxy, over HTTP/3",
  requires("aioquic"),
  async () => {
    await using certificate = await files();
    await using echo = serveEcho();
    await using datagrams = await echoDatagrams();
    await using proxy = await serveProxy({
      allow: ["127.0.0.0/8"],
      tls: { cert: CERT, key: KEY },
      http3: true,
    });
    const where = [proxy.port, certificate.ca, echo.port, datagrams.port].map(String);
    await using peer = startProcess("python3", [PEER, "client", ...where]);
    await peer.status;
    assertMatch(peer.said(), /^tcp 1048576$/m);
    assertMatch(peer.said(), /^udp datagram datagram datagram capsule capsule$/m);
  },
);

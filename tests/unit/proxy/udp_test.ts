/**
 * CONNECT-UDP through the embedded proxy: over HTTP/1.1, HTTP/2, and as draft 03 has it.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import * as dgram from "node:dgram";
import { concatBytes } from "../../../src/bytes.ts";
import { type EmbeddedProxy, type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { connectProxy, type ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import type { OpenUdpTunnel, ProxyClient, Target } from "../../../src/tunnel/tunnel.ts";
import { naiveCapsule } from "../../support/datagram_side.ts";
import { writeAll } from "../../support/origin.ts";

const hearsIcmp = ffiIsUsable();
const QUIET = { sanitizeOps: true, sanitizeResources: true };

interface Variant {
  readonly name: string;
  readonly proxy: ProxyOptions;
  readonly client: ConnectProxyOptions;
}

const VARIANTS: readonly Variant[] = [
  { name: "HTTP/1.1 in the clear", proxy: { tls: false }, client: { http: "1.1" } },
  { name: "HTTP/1.1 in TLS", proxy: {}, client: { http: "1.1" } },
  { name: "HTTP/2 in the clear", proxy: { tls: false }, client: { http: "2" } },
  { name: "HTTP/2 in TLS", proxy: {}, client: { http: "2" } },
  {
    name: "draft 03",
    proxy: { tls: false },
    client: { http: "1.1", udpDraft03: true },
  },
  {
    name: "draft 03 beside HTTP/2",
    proxy: {},
    client: { http: "2", udpDraft03: true },
  },
];

/** A UDP server on loopback. */
class Origin implements AsyncDisposable {
  readonly received: Uint8Array[] = [];
  readonly #socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
  }

  static async echo(address = "127.0.0.1"): Promise<Origin> {
    const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    const origin = new Origin(socket);
    socket.on("message", (bytes: Uint8Array, from: dgram.RemoteInfo) => {
      origin.received.push(new Uint8Array(bytes));
      socket.send(bytes, from.port, from.address);
    });
    return origin;
  }

  get target(): Target {
    const { address, port } = this.#socket.address();
    return { hostname: address, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

interface Setting extends AsyncDisposable {
  readonly proxy: EmbeddedProxy;
  readonly client: ProxyClient;
}

async function start(variant: Variant, options: ProxyOptions = {}, client = {}): Promise<Setting> {
  const allow = ["127.0.0.0/8", "::1/128"];
  const proxy = await serveProxy({ allow, ...variant.proxy, ...options });
  const pin = proxy.certificateSha256;
  const own = await connectProxy(proxy.url, { pin, ...variant.client, ...client });
  return {
    proxy,
    client: own,
    async [Symbol.asyncDispose]() {
      await own.close();
      await proxy.close();
    },
  };
}

async function open({ client }: Setting, target: Target): Promise<OpenUdpTunnel> {
  const tunnel = await client.connectUdp(target);
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

async function refused({ client }: Setting, target: Target) {
  const tunnel = await client.connectUdp(target);
  assert(!tunnel.ok);
  return [tunnel.status, tunnel.outcome.kind];
}

async function exchange(tunnel: OpenUdpTunnel, ...payloads: Uint8Array[]): Promise<void> {
  const reader = tunnel.readable.getReader();
  for (const payload of payloads) {
    tunnel.send(payload);
    const { value } = await reader.read();
    assertEquals(value?.length, payload.length);
    assertEquals(value, payload);
  }
  reader.releaseLock();
}

async function emptied(proxy: EmbeddedProxy): Promise<void> {
  while (proxy.flows > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** A port of loopback where nobody listens. */
async function deadTarget(): Promise<Target> {
  await using origin = await Origin.echo();
  return origin.target;
}

for (const variant of VARIANTS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `UDP through the proxy, ${variant.name}: ${name}`, fn });

  test("datagrams of every length come back, over IPv4 and IPv6", async () => {
    for (const address of ["127.0.0.1", "::1"]) {
      await using origin = await Origin.echo(address);
      await using setting = await start(variant);
      const tunnel = await open(setting, origin.target);
      assertEquals(setting.proxy.flows, 1);
      const lengths = [0, 1, 1200, 1472, 65_507, 0];
      await exchange(tunnel, ...lengths.map((length, i) => new Uint8Array(length).fill(i + 1)));
      tunnel.close();
      assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
      await emptied(setting.proxy);
    }
  });

  test("a thousand datagrams and fifty tunnels keep apart", async () => {
    await using origin = await Origin.echo();
    await using setting = await start(variant);
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const tunnel = await open(setting, origin.target);
      for (let n = 0; n < 20; n++) await exchange(tunnel, new Uint8Array([i, n, 7]));
      tunnel.close();
      await tunnel.closed;
    }));
    assertEquals(origin.received.length, 1_000);
    await emptied(setting.proxy);
  });

  test("credentials, guard and limits stand before UDP as before TCP", async () => {
    await using origin = await Origin.echo();
    await using closed = await start(variant, { token: "right" }, { token: "wrong" });
    assertEquals(await refused(closed, origin.target), [407, "proxy_authentication_required"]);
    await using guarded = await start(variant, { allow: [] });
    assertEquals(await refused(guarded, origin.target), [403, "destination_ip_prohibited"]);
    const nobody = { hostname: "nobody.invalid", port: 53 };
    assertEquals(await refused(guarded, nobody), [502, "dns_error"]);
    await using full = await start(variant, { limits: { flows: 1 } });
    const tunnel = await open(full, origin.target);
    assertEquals(await refused(full, origin.target), [503, "connection_limit_reached"]);
    tunnel.close();
    await tunnel.closed;
    await emptied(full.proxy);
    (await open(full, origin.target)).close();
  });

  test("a hosts file leads UDP as it leads TCP", async () => {
    await using origin = await Origin.echo();
    await using setting = await start(variant, { hosts: { "origin.example": "127.0.0.1" } });
    const tunnel = await open(setting, { ...origin.target, hostname: "origin.example" });
    await exchange(tunnel, new Uint8Array([1]));
    await setting.client.close();
    await emptied(setting.proxy);
  });

  if (hearsIcmp) {
    test("a port where nobody listens closes the tunnel", async () => {
      await using setting = await start(variant);
      const tunnel = await open(setting, await deadTarget());
      tunnel.send(new Uint8Array(1));
      const end = await tunnel.closed;
      // In the clear, and with a TLS that only ends, HTTP/1.1 knows one way to close.
      if (variant.client.http === "2" && !variant.client.udpDraft03) {
        assertEquals(end.reason, "reset");
      }
      await emptied(setting.proxy);
    });
  }

  test("silence for the idle time ends the tunnel, and a datagram puts it off", async () => {
    await using origin = await Origin.echo();
    let idleMs = 300;
    // A machine that stood still for that long has shown nothing, and is tried again with more.
    while (!await dies(idleMs)) idleMs *= 2;

    async function dies(udpIdleTimeoutMs: number): Promise<boolean> {
      await using setting = await start(variant, { limits: { udpIdleTimeoutMs } });
      const began = performance.now();
      const tunnel = await open(setting, origin.target);
      await new Promise((resolve) => setTimeout(resolve, udpIdleTimeoutMs / 2));
      tunnel.send(new Uint8Array([1]));
      const reader = tunnel.readable.getReader();
      const { done } = await reader.read();
      if (done && performance.now() - began > udpIdleTimeoutMs - 50 && idleMs < 5_000) return false;
      assertEquals(done, false);
      assertEquals((await tunnel.closed).reason, "finished");
      const lived = performance.now() - began;
      assert(lived >= 1.5 * udpIdleTimeoutMs - 10, `${lived} ms`);
      await emptied(setting.proxy);
      return true;
    }
  });

  test("closing the proxy or the client leaves nothing behind", async () => {
    await using origin = await Origin.echo();
    await using one = await start(variant);
    const tunnel = await open(one, origin.target);
    await exchange(tunnel, new Uint8Array([1]));
    await one.proxy.close();
    await tunnel.closed;
    await using other = await start(variant);
    const second = await open(other, origin.target);
    await exchange(second, new Uint8Array([1]));
    await other.client.close();
    assertEquals((await second.closed).reason, "reset");
    await emptied(other.proxy);
  });
}

/** What the proxy answers to bytes over HTTP/1.1, up to `marker` or to the end. */
async function ask(proxy: EmbeddedProxy, request: string | Uint8Array, marker?: string) {
  const conn = await Deno.connect({ hostname: proxy.hostname, port: proxy.port });
  await writeAll(conn, typeof request === "string" ? new TextEncoder().encode(request) : request);
  let answer = "";
  const buffer = new Uint8Array(65_536);
  while (marker === undefined || !answer.includes(marker)) {
    const count = await conn.read(buffer).catch(() => null);
    if (count === null) break;
    answer += String.fromCharCode(...buffer.subarray(0, count));
  }
  return { conn, answer };
}

const upgrade = ({ hostname, port }: Target, ...fields: string[]) =>
  [
    `GET /.well-known/masque/udp/${hostname}/${port}/ HTTP/1.1`,
    "Host: proxy.example",
    ...(fields.length > 0 ? fields : ["Connection: Upgrade", "Upgrade: connect-udp"]),
    "",
    "",
  ].join("\r\n");

Deno.test({
  ...QUIET,
  name: "UDP over HTTP/1.1: requests that break the rules are refused with a reason",
  async fn() {
    await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.0/8"] });
    const target = { hostname: "127.0.0.1", port: 9 };
    const cases: [string, RegExp][] = [
      [upgrade({ hostname: "127.0.0.1", port: 0 }), /^HTTP\/1\.1 400 .*1 to 65535/s],
      [upgrade({ hostname: "a%20b", port: 1 }), /^HTTP\/1\.1 400 /],
      [upgrade(target, "Accept: */*"), /^HTTP\/1\.1 426 .*upgrade: connect-udp/s],
      [upgrade(target, "Upgrade: connect-udp"), /^HTTP\/1\.1 426 /],
      [upgrade(target, "Connection: Upgrade", "Upgrade: websocket"), /^HTTP\/1\.1 426 /],
      [
        upgrade(target, "Connection: upgrade", "Upgrade: connect-udp", "Content-Length: 5"),
        /^HTTP\/1\.1 400 .*no content/s,
      ],
      [upgrade(target).replace("Host: proxy.example\r\n", ""), /^HTTP\/1\.1 400 .*Host/s],
      [upgrade(target).replace("GET", "POST"), /^HTTP\/1\.1 400 .*chunked/s],
      [upgrade(target).replace("GET", "PUT"), /^HTTP\/1\.1 404 /],
      ["CONNECT-UDP 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["CONNECT-UDP masque://127.0.0.1:0/ HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET /other HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 404 /],
    ];
    for (const [request, expected] of cases) {
      const { conn, answer } = await ask(proxy, request);
      assertMatch(answer, expected);
      assertMatch(answer, /proxy-status: pseudotcp; error=/);
      conn.close();
    }
  },
});

Deno.test({
  ...QUIET,
  name: "UDP over HTTP/1.1: the answer is the one of RFC 9298, and early capsules are carried",
  async fn() {
    await using origin = await Origin.echo();
    await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.0/8"] });
    const early = naiveCapsule(0, [0, 104, 105]);
    const request = concatBytes([
      new TextEncoder().encode(upgrade(origin.target)),
      naiveCapsule(0x17, [1, 2, 3]),
      naiveCapsule(0, [4, 66]),
      early,
    ]);
    const { conn, answer } = await ask(proxy, request, "\0hi");
    const [head, capsules] = answer.split("\r\n\r\n");
    assertMatch(head, /^HTTP\/1\.1 101 /);
    assertMatch(head, /\r\nconnection: upgrade\r\nupgrade: connect-udp\r\ncapsule-protocol: \?1$/);
    assertEquals(capsules, String.fromCharCode(...early));
    conn.close();
    await emptied(proxy);
  },
});

for (
  const [name, bytes] of [
    ["a datagram beyond all bounds", [0, 0x80, 1, 0x11, 0x70]],
    ["a payload of 65,528 bytes", naiveCapsule(0, new Uint8Array(65_529))],
  ] as const
) {
  Deno.test({
    ...QUIET,
    name: `UDP over HTTP/1.1: ${name} from a client breaks its tunnel off`,
    async fn() {
      await using origin = await Origin.echo();
      await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.0/8"] });
      const { conn } = await ask(proxy, upgrade(origin.target), "\r\n\r\n");
      await writeAll(conn, Uint8Array.from(bytes)).catch(() => {});
      await emptied(proxy);
      assertEquals(origin.received, []);
      conn.close();
    },
  });
}

Deno.test({
  ...QUIET,
  name: "UDP over HTTP/1.1: an end in the middle of a capsule ends the tunnel all the same",
  async fn() {
    await using origin = await Origin.echo();
    await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.0/8"] });
    const { conn } = await ask(proxy, upgrade(origin.target), "\r\n\r\n");
    await writeAll(conn, new Uint8Array([0, 5, 0]));
    await conn.closeWrite();
    await emptied(proxy);
    conn.close();
  },
});

/**
 * UDP ports at the embedded proxy (Connect-UDP-Bind), over HTTP/1.1 and HTTP/2, and what a hostile proxy may try.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as dgram from "node:dgram";
import { concatBytes } from "../../../src/bytes.ts";
import { type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import type { BoundUdpTunnel, ProxyClient, Target } from "../../../src/tunnel/tunnel.ts";
import { naiveCapsule } from "../../support/datagram_side.ts";
import type { FarSide } from "../../support/far_side.ts";
import { SWITCHING, udpProxied } from "../tunnel/udp_roads.ts";

ffiIsUsable();
const QUIET = { sanitizeOps: true, sanitizeResources: true };
const ALLOW = ["127.0.0.0/8", "::1/128"];

/** Somebody on the network. */
class Peer implements AsyncDisposable {
  readonly heard: { readonly bytes: Uint8Array; readonly from: Target }[] = [];
  readonly #socket: dgram.Socket;
  #wake = () => {};

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
    socket.on("message", (bytes: Uint8Array, { address, port }: dgram.RemoteInfo) => {
      this.heard.push({ bytes: new Uint8Array(bytes), from: { hostname: address, port } });
      this.#wake();
    });
  }

  static async at(address: string): Promise<Peer> {
    const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    return new Peer(socket);
  }

  get target(): Target {
    const { address, port } = this.#socket.address();
    return { hostname: address, port };
  }

  say(bytes: Uint8Array, { hostname, port }: Target): Promise<void> {
    return new Promise((resolve) => this.#socket.send(bytes, port, hostname, () => resolve()));
  }

  async until(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

async function setting(http: "1.1" | "2", options: ProxyOptions = {}, more = {}) {
  const proxy = await serveProxy({ tls: false, allow: ALLOW, bind: ["127.0.0.1"], ...options });
  const client = await connectProxy(proxy.url, { http, ...more });
  return {
    proxy,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await proxy.close();
    },
  };
}

async function bind(client: ProxyClient): Promise<BoundUdpTunnel> {
  const tunnel = await client.bindUdp!();
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

for (const http of ["1.1", "2"] as const) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `a UDP port over HTTP/${http}: ${name}`, fn });

  test("every peer sees one address, and each is told apart", async () => {
    await using one = await Peer.at("127.0.0.1");
    await using two = await Peer.at("127.0.0.2");
    await using all = await setting(http);
    const tunnel = await bind(all.client);
    assertEquals(tunnel.publicAddresses.map(({ hostname }) => hostname), ["127.0.0.1"]);
    const reader = tunnel.readable.getReader();
    // More than it takes for a context of its own.
    for (let i = 0; i < 30; i++) {
      for (const peer of [one, two]) {
        tunnel.send(new Uint8Array([i, 1, 2]), peer.target);
        await peer.until(i + 1);
        const { bytes, from } = peer.heard[i];
        assertEquals([[...bytes], from], [[i, 1, 2], tunnel.publicAddresses[0]]);
        await peer.say(new Uint8Array([i, 9]), from);
        const { value } = await reader.read();
        assertEquals([[...value!.payload], value!.peer], [[i, 9], peer.target]);
      }
    }
    assertEquals(tunnel.drops, { outbound: 0, inbound: 0, unknownContext: 0 });
    tunnel.close();
    assertEquals((await tunnel.closed).reason, "finished");
    while (all.proxy.flows > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test("a stranger is heard first", async () => {
    await using stranger = await Peer.at("127.0.0.1");
    await using all = await setting(http);
    const tunnel = await bind(all.client);
    // The port exists once the answer is there; the uncompressed context a moment later.
    const got = tunnel.readable.getReader().read();
    let settled = false;
    void got.then(() => settled = true);
    while (!settled) {
      await stranger.say(new Uint8Array(1200), tunnel.publicAddresses[0]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { value } = await got;
    assertEquals([value?.payload.length, value?.peer], [1200, stranger.target]);
    tunnel.close();
    await tunnel.closed;
  });

  test("both families, empty datagrams and the longest", async () => {
    await using four = await Peer.at("127.0.0.1");
    await using six = await Peer.at("::1");
    await using all = await setting(http, { bind: ["127.0.0.1", "::1"] });
    const tunnel = await bind(all.client);
    assertEquals(tunnel.publicAddresses.map(({ hostname }) => hostname), ["127.0.0.1", "::1"]);
    const reader = tunnel.readable.getReader();
    const writer = tunnel.writable.getWriter();
    for (const [i, length] of [0, 1, 1472, 65_507].entries()) {
      for (const peer of [four, six]) {
        const payload = new Uint8Array(length).fill(i + 1);
        await writer.write({ payload, peer: peer.target });
        await peer.until(i + 1);
        assertEquals(peer.heard[i].bytes, payload);
        await peer.say(payload, peer.heard[i].from);
        assertEquals((await reader.read()).value, { payload, peer: peer.target });
      }
    }
    await writer.close();
    await tunnel.closed;
  });

  test("a client on this machine gets a port on all addresses, and an outsider where it came", async () => {
    await using peer = await Peer.at("127.0.0.3");
    await using all = await setting(http, { bind: undefined });
    const tunnel = await bind(all.client);
    // What it is told is an address of the machine, where it has a way out.
    assert(tunnel.publicAddresses.length > 0);
    tunnel.send(new Uint8Array([1]), peer.target);
    await peer.until(1);
    const { from } = peer.heard[0];
    assert(tunnel.publicAddresses.some(({ port }) => port === from.port));
    await peer.say(new Uint8Array([2]), from);
    assertEquals((await tunnel.readable.getReader().read()).value?.peer, peer.target);
    tunnel.close();
    await tunnel.closed;
  });

  Deno.test(`RFC 4787, REQ-9: a port reaches another by its public address, and is seen with its own, over HTTP/${http}`, async () => {
    await using all = await setting(http);
    const [one, two] = [await bind(all.client), await bind(all.client)];
    one.send(new Uint8Array([1]), two.publicAddresses[0]);
    const { value } = await two.readable.getReader().read();
    assertEquals([[...value!.payload], value!.peer], [[1], one.publicAddresses[0]]);
    two.send(new Uint8Array([2]), value!.peer);
    assertEquals((await one.readable.getReader().read()).value?.peer, two.publicAddresses[0]);
    for (const tunnel of [one, two]) {
      tunnel.close();
      await tunnel.closed;
    }
  });

  Deno.test(`RFC 4787, REQ-2: every port of a client is seen at one address of a family, over HTTP/${http}`, async () => {
    await using peer = await Peer.at("127.0.0.1");
    await using all = await setting(http);
    const tunnels = [await bind(all.client), await bind(all.client), await bind(all.client)];
    for (const [i, tunnel] of tunnels.entries()) {
      tunnel.send(new Uint8Array([i]), peer.target);
      await peer.until(i + 1);
    }
    assertEquals(
      peer.heard.map(({ from }) => from),
      tunnels.map((each) => each.publicAddresses[0]),
    );
    assertEquals(new Set(peer.heard.map(({ from }) => from.hostname)).size, 1);
    assertEquals(new Set(peer.heard.map(({ from }) => from.port)).size, 3, "REQ-3");
    for (const tunnel of tunnels) {
      tunnel.close();
      await tunnel.closed;
    }
  });

  test("the guard stands before every peer", async () => {
    await using friend = await Peer.at("127.0.0.1");
    await using other = await Peer.at("127.0.0.2");
    await using all = await setting(http, { allow: ["127.0.0.1/32"] });
    const tunnel = await bind(all.client);
    for (let i = 0; i < 20; i++) tunnel.send(new Uint8Array([i]), other.target);
    tunnel.send(new Uint8Array([99]), friend.target);
    await friend.until(1);
    assertEquals(other.heard, []);
    const reader = tunnel.readable.getReader();
    await other.say(new Uint8Array([66]), tunnel.publicAddresses[0]);
    await friend.say(new Uint8Array([7]), tunnel.publicAddresses[0]);
    assertEquals((await reader.read()).value?.peer, friend.target);
    tunnel.close();
    await tunnel.closed;
  });

  test("credentials and limits stand before it as before all else", async () => {
    await using closed = await setting(http, { token: "right" }, { token: "wrong" });
    const denied = await closed.client.bindUdp!();
    assert(!denied.ok);
    assertEquals(denied.outcome.kind, "proxy_authentication_required");
    await using full = await setting(http, { limits: { flows: 1 } });
    const tunnel = await bind(full.client);
    const second = await full.client.bindUdp!();
    assert(!second.ok);
    assertEquals(second.outcome.kind, "connection_limit_reached");
    tunnel.close();
    await tunnel.closed;
  });

  test("a peer that is no address is a mistake of the caller", async () => {
    await using all = await setting(http);
    const tunnel = await bind(all.client);
    for (const peer of [{ hostname: "a.example", port: 1 }, { hostname: "1.2.3.4", port: 0 }]) {
      assertThrows(() => tunnel.send(new Uint8Array(1), peer), TypeError, "IP address and a port");
    }
    await tunnel.readable.cancel();
    await tunnel.closed;
  });

  test("a proxy that knows targets only does not carry it", async () => {
    await using all = await udpProxied(http, (far) => far.read().then(() => {}));
    const tunnel = await all.client.bindUdp!();
    assert(!tunnel.ok);
    assertEquals(tunnel.outcome.kind, "udp_unsupported");
    assertMatch(tunnel.outcome.detail, /Connect-UDP-Bind/);
    assert(all.server.requests[0].includes("/.well-known/masque/udp/%2A/%2A/"));
    assertMatch(all.server.requests[0], /connect-udp-bind"?: ?"?\?1/i);
  });

  const hostile: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    ["the context 0", naiveCapsule(0, [0, 1]), /context 0/],
    ["an uncompressed context of its own", naiveCapsule(0x11, [1, 0]), /uncompressed/],
    ["a number of ours", naiveCapsule(0x11, [4, 0]), /not its own/],
    ["an answer to nothing", naiveCapsule(0x12, [8]), /nobody offered/],
    ["a capsule beyond its bound", naiveCapsule(0x13, new Uint8Array(100)), /more than 27 bytes/],
  ];
  for (const [name, bytes, expected] of hostile) {
    test(`a proxy that uses ${name} is broken off`, async () => {
      const far = Promise.withResolvers<FarSide>();
      await using all = await bindable(http, far.resolve);
      const tunnel = await bind(all.client);
      await (await far.promise).write(bytes).catch(() => {});
      const end = await tunnel.closed;
      assertEquals(end.reason, "reset");
      assertMatch(end.detail, expected);
    });
  }

  test("contexts of the proxy are accepted, unknown ones counted, refusals obeyed", async () => {
    const far = Promise.withResolvers<FarSide>();
    await using all = await bindable(http, far.resolve);
    const tunnel = await bind(all.client);
    const side = await far.promise;
    const answers = new Reader(side);
    assertEquals(await answers.take(4), [0x11, 2, 2, 0]);
    const peer = [4, 192, 0, 2, 1, 0, 53];
    await side.write(concatBytes([
      naiveCapsule(0x12, [2]),
      naiveCapsule(0x11, [1, ...peer]),
      naiveCapsule(0, [1, 42]),
      naiveCapsule(0, [3, 42]),
      naiveCapsule(0, [2, 5, 1]),
      naiveCapsule(0, [2, ...peer, 43]),
    ]));
    const reader = tunnel.readable.getReader();
    const from = { hostname: "192.0.2.1", port: 53 };
    assertEquals((await reader.read()).value, { payload: new Uint8Array([42]), peer: from });
    assertEquals((await reader.read()).value, { payload: new Uint8Array([43]), peer: from });
    assertEquals(tunnel.drops.unknownContext, 2);
    assertEquals(await answers.take(3), [0x12, 1, 1]);
    tunnel.send(new Uint8Array([44]), from);
    assertEquals(await answers.take(4), [0, 2, 1, 44]);
    await side.write(naiveCapsule(0x13, [1]));
    await side.write(naiveCapsule(0, [2, ...peer, 45]));
    assertEquals((await reader.read()).value?.payload, new Uint8Array([45]));
    tunnel.send(new Uint8Array([46]), from);
    assertEquals(await answers.take(11), [0, 9, 2, ...peer, 46]);
    await tunnel.readable.cancel().catch(() => {});
    reader.releaseLock();
    await tunnel.writable.abort();
    await tunnel.closed;
  });
}

/** Exact numbers of bytes from the other side. */
class Reader {
  readonly #side: FarSide;
  #rest: number[] = [];

  constructor(side: FarSide) {
    this.#side = side;
  }

  async take(count: number): Promise<number[]> {
    while (this.#rest.length < count) this.#rest.push(...(await this.#side.read())!);
    return this.#rest.splice(0, count);
  }
}

/** A proxy that grants a port and leaves the rest to the test. */
function bindable(http: "1.1" | "2", onTunnel: (far: FarSide) => void) {
  const done = Promise.withResolvers<void>();
  return udpProxied(http, (far) => (onTunnel(far), done.promise), {
    head: () => SWITCHING.replace("\r\n\r\n", "\r\nConnect-UDP-Bind: ?1\r\n\r\n"),
    respond: () => ({ ":status": 200, "connect-udp-bind": "?1" }),
  });
}

Deno.test("addresses to bind that make no sense are told at once", async () => {
  for (const bind of [["a.example"], ["127.0.0.1", "127.0.0.2"], []]) {
    const error = await serveProxy({ tls: false, bind }).catch((error) => error);
    assert(error instanceof TypeError, String(error));
  }
});

Deno.test({
  ...QUIET,
  name: "a request for a port without the field, or for half a target, is malformed",
  async fn() {
    await using proxy = await serveProxy({ tls: false });
    for (const path of ["%2A/%2A", "%2A/53", "a.example/%2A"]) {
      using conn = await Deno.connect({ port: proxy.port });
      const head = `GET /.well-known/masque/udp/${path}/ HTTP/1.1\r\nHost: a\r\n` +
        "Connection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n";
      await conn.write(new TextEncoder().encode(head));
      const buffer = new Uint8Array(100);
      await conn.read(buffer);
      assertMatch(new TextDecoder().decode(buffer), /^HTTP\/1\.1 400 /);
    }
  },
});

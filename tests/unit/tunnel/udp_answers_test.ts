/**
 * What a proxy may answer to a request for UDP, and what may come through the tunnel that it opened.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { ProxyError } from "../../../src/errors.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import { naiveCapsule } from "../../support/datagram_side.ts";
import type { FarSide, Origin } from "../../support/far_side.ts";
import { openUdp, SWITCHING, udpProxied } from "./udp_roads.ts";

const PROTOCOLS = ["1.1", "2"] as const;
const QUIET = { sanitizeOps: true, sanitizeResources: true };

/** An origin that hands its bytes to the test and waits for it. */
function held(): { origin: Origin; far: Promise<FarSide>; done: () => void } {
  const far = Promise.withResolvers<FarSide>();
  const done = Promise.withResolvers<void>();
  return {
    origin: (own) => (far.resolve(own), done.promise),
    far: far.promise,
    done: done.resolve,
  };
}

const quiet: Origin = (far) => far.read().then(() => {});

for (const http of PROTOCOLS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `UDP over HTTP/${http}: ${name}`, fn });

  test("the request is the one of RFC 9298, with credentials and fields", async () => {
    await using setting = await udpProxied(http, quiet, {}, { token: "t0ken" });
    const target = { hostname: "2001:db8::42", port: 443 };
    const tunnel = await setting.client.connectUdp(target, { headers: { "x-a": "b" } });
    assert(tunnel.ok);
    assertEquals(tunnel.status, http === "2" ? 200 : 101);
    const [head] = setting.server.requests;
    const parts = http === "2"
      ? [
        '":method":"CONNECT"',
        '":protocol":"connect-udp"',
        '":scheme":"http"',
        '":authority":"127.',
      ]
      : ["GET /", "Host: 127.", "Connection: Upgrade\r\n", "Upgrade: connect-udp\r\n"];
    parts.push("/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/", "Bearer t0ken", "x-a");
    for (const part of parts) assert(head.includes(part), `${part} in ${head}`);
    assertMatch(head, /capsule-protocol"?: ?"?\?1/i);
    tunnel.close();
  });

  test("a template of one's own is asked", async () => {
    const udpTemplate = "https://masque.example:4443/x{?target_host,target_port}";
    await using setting = await udpProxied(http, quiet, {}, { udpTemplate });
    (await openUdp(setting)).close();
    const [head] = setting.server.requests;
    assert(head.includes("/x?target_host=origin.example&target_port=443"), head);
    assert(head.includes("masque.example:4443"), head);
  });

  test("a refusal carries status, fields and outcome", async () => {
    await using setting = await udpProxied(http, quiet, {
      head: () => "HTTP/1.1 502 No\r\nProxy-Status: p; error=dns_error\r\nX-A: b\r\n\r\nbody",
      respond: () => ({ ":status": 502, "proxy-status": "p; error=dns_error", "x-a": "b" }),
    });
    const tunnel = await setting.client.connectUdp(setting.target);
    assert(!tunnel.ok);
    assertEquals([tunnel.status, tunnel.headers.get("x-a")], [502, "b"]);
    assertEquals([tunnel.outcome.kind, tunnel.outcome.refusal], ["dns_error", "host-unreachable"]);
    assertMatch(tunnel.outcome.detail, /udp origin\.example:443/);
  });

  test("a proxy that does not know the request does not carry UDP", async () => {
    await using setting = await udpProxied(http, quiet, {
      head: () => "HTTP/1.1 200 Welcome\r\nContent-Length: 2\r\n\r\nhi",
      respond: () => ({ ":status": 404 }),
    });
    const tunnel = await setting.client.connectUdp(setting.target);
    assert(!tunnel.ok);
    assertEquals([tunnel.outcome.kind, tunnel.outcome.refusal], [
      "udp_unsupported",
      "port-unreachable",
    ]);
  });

  test("an answer that breaks the rules opens nothing", async () => {
    await using setting = await udpProxied(http, quiet, {
      head: () => SWITCHING.replace("connect-udp", "websocket"),
      respond: () => ({ ":status": 200, "content-type": "text/html" }),
    });
    const error = await assertRejects(
      () => setting.client.connectUdp(setting.target),
      ProxyError,
      http === "2" ? "content-type" : "another protocol",
    );
    assertEquals(error.outcome.kind, "proxy_internal_error");
  });

  test("unknown capsules are skipped, unknown contexts dropped and counted", async () => {
    const { origin, far, done } = held();
    await using setting = await udpProxied(http, origin);
    const tunnel = await openUdp(setting);
    const side = await far;
    const stream = concatBytes([
      naiveCapsule(0x17, new Uint8Array(3)),
      naiveCapsule(0, [2, 66]),
      naiveCapsule(0x4000_0000, new Uint8Array(100_000)),
      naiveCapsule(0, []),
      naiveCapsule(0, [0x40]),
      naiveCapsule(0, [0x40, 0, 7]), // context 0 in two bytes
    ]);
    for (let at = 0; at < stream.length; at += 30_011) {
      await side.write(stream.slice(at, at + 30_011));
    }
    const reader = tunnel.readable.getReader();
    assertEquals((await reader.read()).value, new Uint8Array([7]));
    assertEquals(tunnel.drops, { outbound: 0, inbound: 0, unknownContext: 3 });
    tunnel.close();
    assertEquals(await side.read(), null);
    await side.end();
    assertEquals((await tunnel.closed).reason, "finished");
    done();
  });

  const tooLong = new Uint8Array(65_529);
  for (
    const [name, bytes, reason] of [
      ["a datagram beyond all bounds", [0, 0x80, 1, 0x11, 0x70], "more than 65535 bytes"],
      ["a payload of 65,528 bytes", naiveCapsule(0, tooLong), "payload longer than UDP"],
    ] as const
  ) {
    test(`${name} breaks the tunnel off`, async () => {
      const { origin, far, done } = held();
      await using setting = await udpProxied(http, origin);
      const tunnel = await openUdp(setting);
      const side = await far;
      const next = side.read();
      next.catch(() => {});
      await side.write(Uint8Array.from(bytes)).catch(() => {});
      const end = await tunnel.closed;
      assertEquals(end.reason, "reset");
      assert(end.detail.includes(reason), end.detail);
      await assertRejects(() => tunnel.readable.getReader().read(), ProxyError, reason);
      await assertRejects(() => next);
      done();
    });
  }

  test("an end in the middle of a capsule is a break, and what came before is whole", async () => {
    const { origin, far, done } = held();
    await using setting = await udpProxied(http, origin);
    const tunnel = await openUdp(setting);
    const got: string[] = [];
    tunnel.receive({ datagram: (payload) => void got.push(payload.join()) });
    const side = await far;
    await side.write(
      concatBytes([naiveCapsule(0, [0, 1]), naiveCapsule(0, [0, 2, 3]).slice(0, 4)]),
    );
    await side.end();
    const end = await tunnel.closed;
    assertEquals([end.reason, got], ["reset", ["1"]]);
    assertMatch(end.detail, /middle of a capsule/);
    done();
  });

  test("a proxy that does not read costs the oldest datagrams and never a wait", async () => {
    const { origin, far, done } = held();
    await using setting = await udpProxied(http, origin);
    const tunnel = await openUdp(setting);
    const writer = tunnel.writable.getWriter();
    // More than every socket buffer and window on the way.
    for (let i = 0; i < 400; i++) await writer.write(new Uint8Array(60_000).fill(i));
    assert(tunnel.drops.outbound > 50, `${tunnel.drops.outbound}`);
    await far;
    await writer.abort();
    assertEquals((await tunnel.closed).reason, "reset");
    done();
  });

  test("a proxy that does not end its side is not waited for", async () => {
    const { origin, far, done } = held();
    await using setting = await udpProxied(http, origin);
    const tunnel = await openUdp(setting);
    tunnel.close();
    assertEquals(await (await far).read(), null);
    assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
    done();
  });
}

Deno.test({
  ...QUIET,
  name: "UDP over HTTP/2: without the peer's leave nothing is asked",
  async fn() {
    await using setting = await udpProxied("2", quiet, { takesProtocols: false });
    const tunnel = await setting.client.connectUdp(setting.target);
    assert(!tunnel.ok);
    assertEquals([tunnel.outcome.kind, tunnel.status], ["udp_unsupported", 0]);
    assertMatch(tunnel.outcome.detail, /extended CONNECT/);
    assertEquals(setting.server.requests, []);
    const other = await setting.client.connect(setting.target);
    assert(other.ok);
    await other.readable.cancel();
  },
});

Deno.test({
  ...QUIET,
  name: "UDP over HTTP/1.1: the first datagrams may come with the answer's head",
  async fn() {
    const first = String.fromCharCode(...naiveCapsule(0, [0, 1, 2]), ...naiveCapsule(0, [0, 3]));
    await using setting = await udpProxied("1.1", quiet, { head: () => SWITCHING + first });
    const tunnel = await openUdp(setting);
    const reader = tunnel.readable.getReader();
    assertEquals((await reader.read()).value, new Uint8Array([1, 2]));
    assertEquals((await reader.read()).value, new Uint8Array([3]));
    tunnel.close();
  },
});

Deno.test({
  ...QUIET,
  name: "UDP of draft 03 asks for a masque URI",
  async fn() {
    await using setting = await udpProxied("1.1", quiet, {}, {
      udpDraft03: true,
      privacyToken: "x",
    });
    (await openUdp(setting)).close();
    const [head] = setting.server.requests;
    assertMatch(head, /^CONNECT-UDP masque:\/\/origin\.example:443\/ HTTP\/1\.1\r\nHost: origin/);
    assertMatch(head, /PrivacyToken token=x/);
  },
});

Deno.test({
  ...QUIET,
  name: "A template that RFC 9298 forbids is told at once",
  async fn() {
    for (const udpTemplate of ["/x/{target_host}/{target_port}", "https://a/{+target_host}"]) {
      await assertRejects(() => connectProxy("http://127.0.0.1:1", { udpTemplate }), TypeError);
    }
  },
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { serveProxy } from "../../../src/proxy/proxy.ts";
import {
  resetConn,
  resetConns,
  setNoDelayOfAccepted,
} from "../../../src/sockets/tcp_descriptor.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import { serveEcho } from "../../support/origin.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

async function pair(hostname: string): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  return await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`a connection at ${hostname} is reset, and no other with it`, async () => {
    const pairs = await Promise.all([pair(hostname), pair(hostname), pair(hostname)]);
    const [[near, far], ...others] = [pairs[1], pairs[0], pairs[2]];
    resetConn(near);
    await assertRejects(() => far.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    far.close();
    for (const [one, other] of others) {
      await one.write(new Uint8Array([7]));
      const got = new Uint8Array(1);
      assertEquals([await other.read(got), got[0]], [1, 7]);
      one.close();
      assertEquals(await other.read(got), null);
      other.close();
    }
  });
}

Deno.test("a reset ends a read that waits, and what was not sent yet is gone", async () => {
  const [near, far] = await pair("127.0.0.1");
  const waiting = near.read(new Uint8Array(1)).catch(() => null);
  await near.write(new Uint8Array(4096));
  resetConn(near);
  assertEquals(await waiting, null);
  const read = async () => {
    while (await far.read(new Uint8Array(65_536)) !== null);
  };
  await assertRejects(read, Deno.errors.ConnectionReset);
  far.close();
});

Deno.test("many are reset with one search, and what the peer has reset costs none of them", async () => {
  const pairs = await Promise.all(Array.from({ length: 20 }, () => pair("127.0.0.1")));
  const [[dead, gone], ...alive] = pairs;
  resetConn(gone);
  await assertRejects(() => dead.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  resetConns([dead, ...alive.map(([near]) => near)]);
  for (const [, far] of alive) {
    await assertRejects(() => far.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    far.close();
  }
});

Deno.test("resetting what is closed already does nothing", async () => {
  const [near, far] = await pair("127.0.0.1");
  near.close();
  resetConn(near);
  assertEquals(await far.read(new Uint8Array(1)), null);
  far.close();
});

Deno.test("a listener can be told to send at once", () => {
  for (const hostname of ["127.0.0.1", "0.0.0.0", "::1"]) {
    using listener = Deno.listen({ hostname, port: 0 });
    assert(setNoDelayOfAccepted(listener));
  }
});

Deno.test("a tunnel over TLS opens without waiting for a delayed acknowledgment", async () => {
  await using origin = serveEcho();
  await using proxy = await serveProxy({ allow: ["127.0.0.0/8"] });
  await using client = await connectProxy(proxy.url, { http: "1.1", insecure: true });
  let leastMs = Infinity; // of many, because the machine may be busy; Linux delays each by 40 ms at least
  for (let i = 0; i < 200 && leastMs >= 30; i++) {
    const start = performance.now();
    const tunnel = await client.connect({ hostname: "127.0.0.1", port: origin.port });
    leastMs = Math.min(leastMs, performance.now() - start);
    assert(tunnel.ok);
    await tunnel.readable.cancel();
  }
  assert(leastMs < 30, `the fastest of 200 tunnels took ${leastMs} ms`);
});

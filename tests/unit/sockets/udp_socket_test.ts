/**
 * What every kind of UDP socket has to do, run over each.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelSocket } from "../../../src/sockets/kernel_socket.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { openNodeSocket } from "../../../src/sockets/node_socket.ts";
import type {
  Endpoint,
  SocketPlan,
  UdpSocket,
  UdpSocketEvents,
} from "../../../src/sockets/udp_socket.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);
const LOOPBACK6 = new Uint8Array(16).fill(1, 15);

const KINDS = [
  {
    name: "kernel",
    ignore: !ffiIsUsable(),
    hearsIcmp: true,
    open: async (plan: SocketPlan, events: UdpSocketEvents): Promise<UdpSocket> =>
      await Promise.resolve(new KernelSocket(plan, events)),
  },
  { name: "node:dgram", ignore: false, hearsIcmp: false, open: openNodeSocket },
];

/** Collects what a socket tells. */
class Heard implements UdpSocketEvents {
  readonly datagrams: { readonly payload: Uint8Array; readonly from?: Endpoint }[] = [];
  readonly failures: string[] = [];
  #wanted = 0;
  #enough = () => {};

  datagram(payload: Uint8Array<ArrayBuffer>, from?: Endpoint): void {
    this.datagrams.push({ payload: payload.slice(), from });
    if (this.datagrams.length >= this.#wanted) this.#enough();
  }

  batchEnd(): void {}

  failed(failure: string): void {
    this.failures.push(failure);
    this.#enough();
  }

  until(count: number): Promise<void> {
    this.#wanted = count;
    return new Promise((resolve) => {
      this.#enough = resolve;
      if (this.datagrams.length >= count) resolve();
    });
  }
}

for (const kind of KINDS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({
      name: `${kind.name}: ${name}`,
      ignore: kind.ignore,
      sanitizeOps: true,
      sanitizeResources: true,
      fn,
    });

  for (const [family, address] of [["IPv4", LOOPBACK], ["IPv6", LOOPBACK6]] as const) {
    test(`datagrams of every length cross ${family} both ways`, async () => {
      const [here, there] = [new Heard(), new Heard()];
      const server = await kind.open({ bind: { address, port: 0 } }, there);
      const client = await kind.open({ remote: { address, port: server.local.port } }, here);
      const lengths = [0, 1, 1200, 65_507];
      for (const [i, length] of lengths.entries()) {
        client.send(new Uint8Array(length).fill(i + 1));
        await there.until(i + 1);
        const { payload, from } = there.datagrams[i];
        assertEquals(payload, new Uint8Array(length).fill(i + 1));
        assertEquals([from?.port, from?.address], [client.local.port, address]);
        server.send(payload, from);
        await here.until(i + 1);
        assertEquals(here.datagrams[i], { payload, from: undefined });
      }
      assertEquals([client.drops, server.drops], [0, 0]);
      await client.close();
      await client.close();
      await server.close();
      server.send(new Uint8Array(1), { address, port: 9 });
    });
  }

  test("a connected socket does not hear strangers", async () => {
    const [here, there, stranger] = [new Heard(), new Heard(), new Heard()];
    const server = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, there);
    const other = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, stranger);
    const client = await kind.open(
      { remote: { address: LOOPBACK, port: server.local.port } },
      here,
    );
    client.send(new Uint8Array([1]));
    await there.until(1);
    const to = { address: LOOPBACK, port: client.local.port };
    other.send(new Uint8Array([66]), to);
    server.send(new Uint8Array([2]), to);
    await here.until(1);
    assertEquals(here.datagrams.map(({ payload }) => payload[0]), [2]);
    for (const socket of [client, server, other]) await socket.close();
  });

  test("a datagram too long for UDP is counted, and the socket goes on", async () => {
    const [here, there] = [new Heard(), new Heard()];
    const server = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, there);
    const client = await kind.open(
      { remote: { address: LOOPBACK, port: server.local.port } },
      here,
    );
    client.send(new Uint8Array(65_508));
    client.send(new Uint8Array([1]));
    await there.until(1);
    assertEquals([client.drops, there.datagrams[0].payload.length, here.failures], [1, 1, []]);
    await client.close();
    await server.close();
  });

  test("a port that is taken is an error with a code", async () => {
    const server = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, new Heard());
    const error = await assertRejects(
      async () => await kind.open({ bind: server.local }, new Heard()),
      Error,
    );
    assertEquals((error as Error & { code: string }).code, "EADDRINUSE");
    await server.close();
  });

  if (kind.hearsIcmp) {
    test("a port where nobody listens is told once", async () => {
      const gone = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, new Heard());
      await gone.close();
      const heard = new Heard();
      const client = await kind.open({ remote: gone.local }, heard);
      const told = heard.until(Infinity);
      client.send(new Uint8Array(1));
      client.send(new Uint8Array(1));
      await told;
      assertEquals(heard.failures, ["ECONNREFUSED"]);
      await client.close();
    });

    test("an address without a way is an error with a code, or lets nothing through", async () => {
      const remote = { address: new Uint8Array([255, 255, 255, 255]), port: 9 };
      const error = await assertRejects(() => kind.open({ remote }, new Heard()), Error);
      assert(["EACCES", "ENETUNREACH"].includes((error as Error & { code: string }).code));
    });

    test("sockets come and go while others stay", async () => {
      const heard = new Heard();
      const server = await kind.open({ bind: { address: LOOPBACK, port: 0 } }, heard);
      for (let i = 1; i <= 50; i++) {
        const client = await kind.open({ remote: server.local }, new Heard());
        client.send(new Uint8Array([i]));
        await Promise.all([heard.until(i), client.close()]);
      }
      assertEquals(heard.datagrams.length, 50);
      await server.close();
    });
  }
}

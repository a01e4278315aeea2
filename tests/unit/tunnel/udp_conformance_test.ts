/**
 * What every road for UDP has to do, run over each of them.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { OpenUdpTunnel } from "../../../src/tunnel/tunnel.ts";
import {
  type DatagramOrigin,
  type DatagramSide,
  echoDatagrams,
} from "../../support/datagram_side.ts";
import { openUdp, UDP_ROADS } from "./udp_roads.ts";

/** Bytes that say which datagram they are. */
function numbered(number: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).fill(number * 7);
  if (length >= 4) new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** An origin that hands its side to the test and waits for it. */
function held(): { origin: DatagramOrigin; side: Promise<DatagramSide>; done: () => void } {
  const side = Promise.withResolvers<DatagramSide>();
  const done = Promise.withResolvers<void>();
  return {
    origin: (own) => (side.resolve(own), done.promise),
    side: side.promise,
    done: done.resolve,
  };
}

async function exchange(
  tunnel: OpenUdpTunnel,
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  payload: Uint8Array,
) {
  tunnel.send(payload);
  const { value } = await reader.read();
  assertEquals(value?.length, payload.length);
  assertEquals(value, payload);
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** How long nothing has to come before what is missing counts as lost. */
const SILENCE_MS = 3_000;

/** Waits until `count` gives `due`, or has not moved for a while: the kernel promises no datagram. */
async function arrived(count: () => number, due: number): Promise<void> {
  let [last, since] = [count(), performance.now()];
  while (last < due && performance.now() - since < SILENCE_MS) {
    await turn();
    if (count() !== last) [last, since] = [count(), performance.now()];
  }
}

for (const road of UDP_ROADS) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({
      sanitizeOps: true,
      sanitizeResources: true,
      name: `UDP, ${road.name}: ${name}`,
      fn,
    });
  const testEnds: typeof test = (name, fn) => road.hasEnds && test(name, fn);

  test("datagrams of 0, 1, 1,200 and 65,507 bytes come back as they left", async () => {
    await using setting = await road.open(echoDatagrams);
    const tunnel = await openUdp(setting);
    const reader = tunnel.readable.getReader();
    for (const length of [0, 1, 1200, 65_507, 0]) {
      await exchange(tunnel, reader, numbered(5, length));
    }
    assertEquals(tunnel.drops, { outbound: 0, inbound: 0, unknownContext: 0 });
    tunnel.close();
    assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
    assertEquals((await reader.read()).done, true);
  });

  test("the streams carry as the methods do", async () => {
    await using setting = await road.open(echoDatagrams);
    const tunnel = await openUdp(setting);
    const [reader, writer] = [tunnel.readable.getReader(), tunnel.writable.getWriter()];
    for (let i = 0; i < 20; i++) {
      await writer.write(numbered(i, 100 + i));
      assertEquals((await reader.read()).value, numbered(i, 100 + i));
    }
    await writer.close();
    assertEquals((await tunnel.closed).reason, "finished");
  });

  test("many at once keep their order and their borders", async () => {
    await using setting = await road.open(echoDatagrams);
    const tunnel = await openUdp(setting);
    const got: Uint8Array[] = [];
    let batches = 0;
    tunnel.receive({
      datagram: (payload) => void got.push(payload.slice()),
      batchEnd: () => void batches++,
    });
    for (let i = 0; i < 2_000; i++) {
      tunnel.send(numbered(i, 10 + i % 500));
      // A window: UDP promises nothing beyond what the kernel keeps.
      if (i % 25 === 24) await arrived(() => got.length, i - 100);
    }
    await arrived(() => got.length, 2_000);
    if (road.hasEnds) assertEquals(got.length, 2_000);
    else assert(got.length > 1_000, `${got.length} of 2000 came`);
    let next = 0;
    for (const payload of got) {
      const number = new DataView(payload.buffer).getUint32(0);
      assert(number >= next, `${number} came behind ${next - 1}`);
      assertEquals(payload, numbered(number, 10 + number % 500));
      next = number + 1;
    }
    assert(batches > 0 && batches <= 2_000);
    tunnel.close();
    await tunnel.closed;
  });

  test("100 tunnels keep apart", async () => {
    const origin: DatagramOrigin = road.hasEnds ? echoDatagrams : async (side) => {
      for (let payload; (payload = await side.read()) !== null;) await side.write(payload);
    };
    await using setting = await road.open(origin);
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const tunnel = await openUdp(setting);
      const reader = tunnel.readable.getReader();
      // A single socket answers all in `direct`: one after the other there.
      if (road.hasEnds) {
        for (let n = 0; n < 5; n++) await exchange(tunnel, reader, numbered(i, 50));
      }
      tunnel.close();
      assertEquals((await tunnel.closed).reason, "finished");
    }));
  });

  test("a reader that does not read loses the oldest, and what it loses is counted", async () => {
    const { origin, side, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await openUdp(setting);
    tunnel.send(numbered(0, 10));
    const far = await side;
    await far.read();
    let count = 0;
    // Of what a socket is sent the kernel loses some, too: there it goes on until enough was lost here.
    const wants = () => road.hasEnds ? count < 600 : count < 100_000 && tunnel.drops.inbound <= 300;
    while (wants()) {
      await far.write(numbered(count++, 1_000));
      if (count % 20 === 0) await turn();
    }
    if (road.hasEnds) {
      await far.end();
      await tunnel.closed;
    }
    const left: number[] = [];
    const reader = tunnel.readable.getReader();
    if (!road.hasEnds) tunnel.close();
    for (let read; !(read = await reader.read()).done;) {
      left.push(new DataView(read.value.buffer, read.value.byteOffset).getUint32(0));
    }
    const { inbound } = tunnel.drops;
    assert(inbound > 300 && left.length > 150, `${inbound} lost, ${left.length} kept`);
    if (road.hasEnds) assertEquals(left, Array.from(left, (_, i) => count - left.length + i));
    done();
  });

  test("what is longer than UDP has it is dropped and counted", async () => {
    await using setting = await road.open(echoDatagrams);
    const tunnel = await openUdp(setting);
    const reader = tunnel.readable.getReader();
    tunnel.send(new Uint8Array(65_536));
    await exchange(tunnel, reader, numbered(1, 1));
    assertEquals(tunnel.drops.outbound, 1);
    tunnel.close();
    await tunnel.closed;
    tunnel.send(numbered(1, 1));
    assert(tunnel.drops.outbound >= 2);
  });

  testEnds("the proxy's end closes the tunnel in order", async () => {
    const { origin, side, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await openUdp(setting);
    tunnel.send(numbered(1, 10));
    const far = await side;
    await far.read();
    await far.write(numbered(2, 10));
    await far.end();
    const received = await Array.fromAsync(tunnel.readable);
    assertEquals(received, [numbered(2, 10)]);
    assertEquals((await tunnel.closed).reason, "finished");
    await assertRejects(() => tunnel.writable.getWriter().closed, TypeError, "has ended");
    done();
  });

  testEnds("our end reaches the proxy behind what was sent", async () => {
    const { origin, side, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await openUdp(setting);
    for (let i = 0; i < 10; i++) tunnel.send(numbered(i, 100));
    await tunnel.writable.close();
    const far = await side;
    for (let i = 0; i < 10; i++) assertEquals(await far.read(), numbered(i, 100));
    assertEquals(await far.read(), null);
    await far.end();
    assertEquals((await tunnel.closed).reason, "finished");
    done();
  });

  testEnds("the proxy's reset breaks the tunnel off", async () => {
    if (!road.originResets) return;
    const { origin, side, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await openUdp(setting);
    tunnel.send(numbered(1, 10));
    const far = await side;
    await far.read();
    far.reset();
    const end = await tunnel.closed;
    assertEquals(end.reason, "reset");
    assert(end.detail !== "");
    await assertRejects(() => tunnel.readable.getReader().read());
    await assertRejects(() => tunnel.writable.getWriter().closed);
    done();
  });

  for (const how of ["abort", "cancel"] as const) {
    testEnds(`our ${how} reaches the proxy as a reset`, async () => {
      const { origin, side, done } = held();
      await using setting = await road.open(origin);
      const tunnel = await openUdp(setting);
      tunnel.send(numbered(1, 10));
      const far = await side;
      await far.read();
      const next = far.read();
      next.catch(() => {});
      if (how === "abort") await tunnel.writable.abort(new Error("enough"));
      else await tunnel.readable.cancel(new Error("enough"));
      const end = await tunnel.closed;
      assertEquals(end.reason, "reset");
      assert(end.detail.includes("enough"), end.detail);
      await assertRejects(() => next);
      done();
    });
  }

  test("the signal breaks an open tunnel off", async () => {
    await using setting = await road.open(echoDatagrams);
    const breaker = new AbortController();
    const tunnel = await setting.client.connectUdp(setting.target, { signal: breaker.signal });
    assert(tunnel.ok);
    const reading = tunnel.readable.getReader().read();
    breaker.abort(new Error("enough"));
    await assertRejects(() => reading, Error, "enough");
    assertEquals((await tunnel.closed).reason, "reset");
  });

  test("a signal aborted before the call rejects with its reason", async () => {
    await using setting = await road.open(echoDatagrams);
    const signal = AbortSignal.abort(new Error("too late"));
    await assertRejects(
      () => setting.client.connectUdp(setting.target, { signal }),
      Error,
      "too late",
    );
  });

  test("close resets open tunnels", async () => {
    await using setting = await road.open(echoDatagrams);
    const tunnel = await openUdp(setting);
    const reading = tunnel.readable.getReader().read();
    reading.catch(() => {});
    await setting.client.close();
    await assertRejects(() => reading);
    assertEquals((await tunnel.closed).reason, "reset");
    await assertRejects(
      () => setting.client.connectUdp(setting.target),
      TypeError,
      "closed client",
    );
  });

  test("a target that cannot stand in a request is a mistake of the caller", async () => {
    if (road.name === "memory") return; // it sends no request
    await using setting = await road.open(echoDatagrams);
    const target = { hostname: "a b\r\n", port: 1 };
    await assertRejects(() => setting.client.connectUdp(target), TypeError);
  });
}

/**
 * What every road to a proxy has to do, run over each of them.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { concatBytes, equalBytes } from "../../../src/bytes.ts";
import type { OpenTunnel } from "../../../src/tunnel/tunnel.ts";
import { echo, type FarSide, type Origin } from "../../support/far_side.ts";
import { open, ROADS } from "./roads.ts";

const CHUNK = 65_536;

/** More than every socket buffer, window and queue on the way together. */
const FAR_TOO_MUCH = 64 << 20;

/** Bytes that differ everywhere, so that a lost or swapped chunk shows. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

async function send(tunnel: OpenTunnel, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = tunnel.writable.getWriter();
  for (let at = 0; at < bytes.length; at += CHUNK) {
    await writer.write(bytes.subarray(at, at + CHUNK));
  }
  await writer.close();
}

async function receive(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return concatBytes(await Array.fromAsync(stream));
}

/** An origin that hands its far side to the test and waits for it. */
function held(): { origin: Origin; far: Promise<FarSide>; done: () => void } {
  const far = Promise.withResolvers<FarSide>();
  const done = Promise.withResolvers<void>();
  return {
    origin: (side) => (far.resolve(side), done.promise),
    far: far.promise,
    done: done.resolve,
  };
}

/** Whether `promise` is still pending after the event loop had time for whatever could settle it. */
async function staysPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.finally(() => pending = false).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  return pending;
}

const QUIET = { sanitizeOps: true, sanitizeResources: true };

for (const road of ROADS) {
  const test = (name: string, body: () => Promise<void>) =>
    Deno.test({ ...QUIET, name: `${road.name}: ${name}`, fn: body });

  test("8 MiB come back unchanged, and both ends are in order", async () => {
    await using setting = await road.open(echo);
    const tunnel = await open(setting);
    const sent = pattern(8 << 20);
    const [received] = await Promise.all([receive(tunnel.readable), send(tunnel, sent)]);
    assert(equalBytes(received, sent));
    assertEquals(await tunnel.closed, { reason: "finished", detail: "" });
  });

  test("after our end the origin still speaks", async () => {
    await using setting = await road.open(async (far) => {
      let length = 0;
      for (let bytes; (bytes = await far.read()) !== null;) length += bytes.length;
      await far.write(pattern(length));
      await far.end();
    });
    const tunnel = await open(setting);
    await send(tunnel, pattern(300_000));
    assert(equalBytes(await receive(tunnel.readable), pattern(300_000)));
    assertEquals((await tunnel.closed).reason, "finished");
  });

  test("after the origin's end we still speak", async () => {
    const heard = Promise.withResolvers<number>();
    await using setting = await road.open(async (far) => {
      await far.end();
      let length = 0;
      for (let bytes; (bytes = await far.read()) !== null;) length += bytes.length;
      heard.resolve(length);
    });
    const tunnel = await open(setting);
    assertEquals((await receive(tunnel.readable)).length, 0);
    await send(tunnel, pattern(300_000));
    assertEquals(await heard.promise, 300_000);
    assertEquals((await tunnel.closed).reason, "finished");
  });

  test("the origin's reset breaks both directions", async () => {
    await using setting = await road.open(async (far) => {
      await far.read();
      far.reset();
    });
    const tunnel = await open(setting);
    const writer = tunnel.writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(pattern(10));
    if (road.originResets) {
      await assertRejects(() => receive(tunnel.readable));
      await assertRejects(() => writer.closed);
    } else await receive(tunnel.readable).catch(() => {});
    await writer.abort().catch(() => {});
    const end = await tunnel.closed;
    assertEquals(end.reason, "reset");
    assert(end.detail !== "");
  });

  for (const how of ["abort", "cancel"] as const) {
    test(`our ${how} reaches the origin as a reset, not as an end`, async () => {
      const { origin, far, done } = held();
      await using setting = await road.open(origin);
      const tunnel = await open(setting);
      const writer = tunnel.writable.getWriter();
      writer.closed.catch(() => {});
      await writer.write(pattern(10));
      const side = await far;
      assertEquals((await side.read())?.length, 10);
      const next = side.read();
      next.catch(() => {});
      if (how === "abort") await writer.abort(new Error("enough"));
      else await tunnel.readable.cancel(new Error("enough"));
      await assertRejects(() => next);
      const end = await tunnel.closed;
      assertEquals(end.reason, "reset");
      assert(end.detail.includes("enough"), end.detail);
      done();
    });
  }

  test("the signal breaks an open tunnel off", async () => {
    const { origin, done } = held();
    await using setting = await road.open(origin);
    const breaker = new AbortController();
    const tunnel = await setting.client.connect(setting.target, { signal: breaker.signal });
    assert(tunnel.ok);
    const reading = receive(tunnel.readable);
    breaker.abort(new Error("enough"));
    await assertRejects(() => reading, Error, "enough");
    assertEquals((await tunnel.closed).reason, "reset");
    done();
  });

  test("a signal aborted before the call rejects with its reason", async () => {
    await using setting = await road.open(echo);
    const signal = AbortSignal.abort(new Error("too late"));
    await assertRejects(
      () => setting.client.connect(setting.target, { signal }),
      Error,
      "too late",
    );
  });

  test("an origin that does not read stops our writes", async () => {
    const { origin, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await open(setting);
    const writer = tunnel.writable.getWriter();
    writer.closed.catch(() => {});
    const chunk = pattern(CHUNK);
    let sent = 0;
    while (sent < FAR_TOO_MUCH) {
      const write = writer.write(chunk);
      write.catch(() => {});
      if (await Promise.race([write.then(() => false), staysPending(write)])) break;
      sent += CHUNK;
    }
    assert(sent < FAR_TOO_MUCH, `${sent} bytes went nowhere`);
    await writer.abort().catch(() => {});
    await tunnel.closed;
    done();
  });

  test("a reader that does not read stops the origin", async () => {
    let sent = 0;
    const stopped = Promise.withResolvers<void>();
    await using setting = await road.open(async (far) => {
      const chunk = pattern(CHUNK);
      while (sent < FAR_TOO_MUCH) {
        const write = far.write(chunk);
        write.catch(() => {});
        if (await Promise.race([write.then(() => false), staysPending(write)])) break;
        sent += CHUNK;
      }
      stopped.resolve();
    });
    const tunnel = await open(setting);
    await stopped.promise;
    assert(sent < FAR_TOO_MUCH, `${sent} bytes went nowhere`);
    await tunnel.readable.cancel();
    await tunnel.closed;
  });

  test("300 flows at once keep apart", async () => {
    await using setting = await road.open(echo);
    await Promise.all(Array.from({ length: 300 }, async (_, i) => {
      const tunnel = await open(setting);
      const sent = pattern(2_000).fill(i & 0xff, 0, 1_000);
      const [received] = await Promise.all([receive(tunnel.readable), send(tunnel, sent)]);
      assert(equalBytes(received, sent));
      assertEquals((await tunnel.closed).reason, "finished");
    }));
  });

  test("close resets open tunnels, and may be called twice", async () => {
    const { origin, done } = held();
    await using setting = await road.open(origin);
    const tunnel = await open(setting);
    const reading = receive(tunnel.readable);
    reading.catch(() => {});
    await setting.client.close();
    await setting.client.close();
    await assertRejects(() => reading);
    assertEquals((await tunnel.closed).reason, "reset");
    await assertRejects(() => setting.client.connect(setting.target), TypeError, "closed client");
    done();
  });

  test("a target that cannot stand in a request is a mistake of the caller", async () => {
    if (road.name === "memory") return; // it sends no request
    await using setting = await road.open(echo);
    const target = { hostname: "a b\r\n", port: 1 };
    await assertRejects(() => setting.client.connect(target), TypeError);
  });
}

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { H3Connection } from "../../../src/http3/connection.ts";
import type { H3Stream } from "../../../src/http3/stream.ts";
import { ProxyError } from "../../../src/errors.ts";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import { CERT } from "../../support/certificate.ts";
import { echo, type FarSide, type Origin } from "../../support/far_side.ts";
import { serveH3 } from "../../support/h3_server.ts";
import { open, overH3 } from "./roads.ts";

const QUIET = { sanitizeOps: true, sanitizeResources: true };

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...QUIET, name: `HTTP/3: ${name}`, fn });
}

/** An origin that hands out its far sides and keeps each open until the test is done. */
function held(): { origin: Origin; next: () => Promise<FarSide>; done: () => void } {
  const waiting: FarSide[] = [];
  const done = Promise.withResolvers<void>();
  let wake = Promise.withResolvers<void>();
  return {
    origin: (far) => {
      waiting.push(far);
      wake.resolve();
      return done.promise;
    },
    async next() {
      while (waiting.length === 0) {
        await wake.promise;
        wake = Promise.withResolvers();
      }
      return waiting.shift()!;
    },
    done: done.resolve,
  };
}

test("a tunnel broken off while the proxy reads nothing is a reset there, although its stream is blocked", async () => {
  const streams: H3Stream[] = [];
  await using setting = await overH3(() => new Promise(() => {}), {
    onStream: (stream) => streams.push(stream),
  });
  const tunnel = await open(setting);
  const writer = tunnel.writable.getWriter();
  writer.closed.catch(() => {});
  const blocked = (async () => {
    for (;;) await writer.write(new Uint8Array(1 << 20)); // until the window is full
  })();
  blocked.catch(() => {});
  const over = new Promise<void>((resolve) => streams[0].duplex.once("close", () => resolve()));
  await tunnel.readable.cancel(new Error("enough"));
  await over;
  assert(!streams[0].duplex.readableEnded);
  await assertRejects(() => blocked);
});

test("a tunnel broken off towards a proxy that is not ours never looks whole there, and leaves the others alone", async () => {
  const { origin, next, done } = held();
  const connections: H3Connection[] = [];
  await using setting = await overH3(origin, {
    isForeign: true,
    onStream: (_stream, connection) => connections.push(connection),
  });
  const [broken, other] = [await open(setting), await open(setting)];
  const [brokenFar, otherFar] = [await next(), await next()];
  const writer = broken.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(10));
  assertEquals((await brokenFar.read())?.length, 10);
  const end = brokenFar.read().then((bytes) => bytes === null ? "end" : "bytes", () => "reset");
  await writer.abort();

  const said = other.writable.getWriter();
  await said.write(new Uint8Array(5)); // the connection goes on
  assertEquals((await otherFar.read())?.length, 5);
  await said.close();
  assertEquals(await otherFar.read(), null);
  await otherFar.end();
  assertEquals(await Array.fromAsync(other.readable), []);
  assertEquals((await other.closed).reason, "finished");
  assertEquals(await end, "reset");
  const next2 = await open(setting); // on a connection of its own
  await next2.readable.cancel();
  assert(connections[2] !== connections[0]);
  done();
});

test("a reset of an origin behind a proxy that is not ours is none of an order", async () => {
  await using setting = await overH3(async (far) => {
    await far.write(new Uint8Array(10));
    far.reset();
  }, { isForeign: true });
  const tunnel = await open(setting);
  await assertRejects(() => Array.fromAsync(tunnel.readable));
  assertEquals((await tunnel.closed).reason, "reset");
});

test("GOAWAY lets open tunnels be, asks again elsewhere what it passes over, and sends new ones elsewhere", async () => {
  let goaway = true;
  await using setting = await overH3(echo, {
    respond: () => ({ ":status": "200" }),
    onStream: (stream, connection) => {
      if (goaway && stream.id === 4) {
        goaway = false;
        connection.sendGoaway(4);
        stream.breakOff("passed over");
      }
    },
  });
  const first = await open(setting);
  const second = await open(setting);
  assertEquals(setting.server.connections(), 2);
  for (const tunnel of [first, second]) {
    const writer = tunnel.writable.getWriter();
    await writer.write(new Uint8Array(3));
    await writer.close();
    assertEquals((await Array.fromAsync(tunnel.readable))[0].length, 3);
    assertEquals((await tunnel.closed).reason, "finished");
  }
});

test("a proxy that allows one stream at a time gets further connections", async () => {
  await using setting = await overH3(echo, { maxStreams: 1 });
  const tunnels = [await open(setting), await open(setting), await open(setting)];
  assertEquals(setting.server.connections() >= 3, true);
  for (const tunnel of tunnels) await tunnel.readable.cancel();
});

test("a proxy that allows no stream is told as such", async () => {
  await using setting = await overH3(echo, { maxStreams: 0 });
  const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
  assertEquals(error.outcome.kind, "connection_limit_reached");
  assert(error.message.includes("0 streams"), error.message);
});

test("a proxy that vanishes resets its tunnels, and the next flow finds it again", async () => {
  await using setting = await overH3(echo);
  const tunnel = await open(setting);
  const reading = Array.fromAsync(tunnel.readable);
  reading.catch(() => {});
  setting.server.kill();
  await assertRejects(() => reading);
  const end = await tunnel.closed;
  assertEquals(end.reason, "reset");
  const again = await open(setting);
  await again.readable.cancel();
});

test("an answer that never comes is given up", async () => {
  await using setting = await overH3(echo, { respond: () => undefined }, {
    timeouts: { answerMs: 50 },
  });
  const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
  assertEquals(error.outcome.kind, "connection_timeout");
});

test("without extended CONNECT in its settings a proxy is not asked for UDP", async () => {
  await using setting = await overH3(echo);
  const answer = await setting.client.connectUdp(setting.target);
  assert(!answer.ok && answer.outcome.kind === "udp_unsupported");
  assert(answer.outcome.detail.includes("RFC 9220"), answer.outcome.detail);
  assertEquals(setting.server.requests, []);
});

test("a wrong pin, a wrong name, an unknown authority and a port where nobody is are told apart", async () => {
  await using server = serveH3(echo);
  const url = `https://127.0.0.1:${server.port}`;
  const told = async (to: string, options: object) => {
    const error = await assertRejects(
      () =>
        connectProxy(to, { http: "3", timeouts: { pingIdleMs: 200, pingWaitMs: 100 }, ...options }),
      ProxyError,
    );
    assertEquals(error.outcome.kind, "proxy_unreachable");
    return error.message;
  };
  assert((await told(url, { pin: "ab".repeat(32) })).includes("not the pinned one"));
  assert((await told(url, {})).includes("not trusted"));
  const nobody = await told("https://127.0.0.1:9", { caCerts: [CERT] });
  assert(nobody.includes("nobody answers QUIC there"), nobody);
});

test("what HTTP/3 cannot do is refused before anything is sent", async () => {
  for (
    const [url, options, words] of [
      ["http://proxy.example", {}, "always encrypted"],
      ["https://proxy.example", { insecure: true }, "pin the certificate"],
    ] as const
  ) {
    const connecting = () => connectProxy(url, { http: "3", ...options });
    await assertRejects(connecting, TypeError, words);
  }
});

test("hints before the answer, and a 2xx with a length, give way to the tunnel", async () => {
  await using setting = await overH3(echo, {
    respond: () => ({ ":status": "200", "content-length": "1" }),
    onStream: (stream) => stream.sendHead([[":status", "103"], ["link", "</a>"]]),
  });
  const tunnel = await open(setting);
  const writer = tunnel.writable.getWriter();
  await writer.write(new Uint8Array(100));
  await writer.close();
  let length = 0;
  for await (const bytes of tunnel.readable) length += bytes.length;
  assertEquals(length, 100);
  assertEquals((await tunnel.closed).reason, "finished");
});

test("an answer of a mebibyte spoils its request and nothing else", async () => {
  let isLong = true;
  await using setting = await overH3(echo, {
    respond: () => ({ ":status": "200", long: isLong ? "x".repeat(1 << 20) : "" }),
  });
  const error = await assertRejects(() => setting.client.connect(setting.target), ProxyError);
  assert(error.message.includes("more than 16384 bytes"), error.message);
  isLong = false;
  const tunnel = await open(setting);
  await tunnel.readable.cancel();
  assertEquals(setting.server.connections(), 1);
});

test("a proxy that breaks the rules of the control stream is left, and told why", async () => {
  const why = Promise.withResolvers<string>();
  await using setting = await overH3(echo, {
    onStream: async (_stream, connection, quic) => {
      void connection.closed.then(why.resolve);
      const second = (await quic.createUnidirectionalStream()).getWriter();
      second.closed.catch(() => {});
      await second.write(new Uint8Array([0, 4, 0])).catch(() => {}); // another control stream
    },
    respond: () => undefined,
  });
  await assertRejects(() => setting.client.connect(setting.target), ProxyError);
  assert((await why.promise).includes("code 259"), await why.promise); // H3_STREAM_CREATION_ERROR
});

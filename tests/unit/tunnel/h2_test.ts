/**
 * What is HTTP/2's own: connections that fill up, go away, or fall silent.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type * as http2 from "node:http2";
import { connectProxy } from "../../../src/tunnel/proxy_client.ts";
import type { ConnectedProxy } from "../../../src/tunnel/road/road.ts";
import { echo } from "../../support/far_side.ts";
import { muteable } from "../../support/muteable.ts";
import { FRAME, serveRawH2, STATUS_200 } from "../../support/raw_h2.ts";
import { open, proxied, type Setting } from "./roads.ts";

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ sanitizeOps: true, sanitizeResources: true, name: `HTTP/2: ${name}`, fn });

/** One round trip through a tunnel. */
async function roundTrip(setting: Setting) {
  const tunnel = await open(setting);
  const writer = tunnel.writable.getWriter();
  writer.closed.catch(() => {});
  const reader = tunnel.readable.getReader();
  await writer.write(new Uint8Array([7]));
  assertEquals((await reader.read()).value, new Uint8Array([7]));
  return { tunnel, reader, writer };
}

test("a stream limit of 10 means further connections, and room is kept ready", async () => {
  await using setting = await proxied("2", echo, { maxStreams: 10 });
  const flows = await Promise.all(Array.from({ length: 95 }, () => roundTrip(setting)));
  const used = setting.server.connections();
  assert(used >= 10 && used <= 14, `${used} connections`);
  for (const { writer } of flows) await writer.close();
  for (const { tunnel } of flows) await tunnel.readable.cancel().catch(() => {});
});

test("the further connection stands before the first is full", async () => {
  await using setting = await proxied("2", echo, { maxStreams: 10 });
  for (let i = 0; i < 9; i++) await roundTrip(setting);
  while (setting.server.connections() < 2) await new Promise((resolve) => setImmediate(resolve));
  assertEquals(setting.server.connections(), 2);
});

test("connections that fell empty go again", async () => {
  await using setting = await proxied("2", echo, { maxStreams: 4 });
  const client = setting.client as ConnectedProxy;
  const flows = await Promise.all(Array.from({ length: 20 }, () => roundTrip(setting)));
  const most = client.connections;
  for (const { reader, tunnel } of flows) {
    await reader.cancel();
    await tunnel.closed;
  }
  assert(client.connections < most && client.connections <= 2, `${client.connections} of ${most}`);
});

test("after GOAWAY open flows go on, and the next one takes another connection", async () => {
  const sessions: http2.ServerHttp2Session[] = [];
  await using setting = await proxied("2", echo, {
    onSession: (session) => sessions.push(session),
  });
  const first = await roundTrip(setting);
  sessions[0].goaway(0);
  while ((setting.client as ConnectedProxy).connections > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await roundTrip(setting);
  assertEquals(setting.server.connections(), 2);
  await first.writer.write(new Uint8Array([8]));
  assertEquals((await first.reader.read()).value, new Uint8Array([8]));
  await first.writer.close();
  assertEquals((await first.reader.read()).done, true);
  assertEquals((await first.tunnel.closed).reason, "finished");
});

test("a request that GOAWAY passes over is asked again on another connection", async () => {
  const END_HEADERS = 0x4;
  await using server = await serveRawH2(({ type, streamId, payload }, connection, send) => {
    if (type === FRAME.headers && connection === 1) send(FRAME.goaway, 0, 0, new Uint8Array(8));
    else if (type === FRAME.headers) send(FRAME.headers, END_HEADERS, streamId, STATUS_200);
    else if (type === FRAME.data && payload.length > 0) send(FRAME.data, 0, streamId, payload);
  });
  await using client = await connectProxy(`http://127.0.0.1:${server.port}`, { http: "2" });
  const target = { hostname: "origin.example", port: 443 };
  await roundTrip({ client, target, [Symbol.asyncDispose]: () => client.close() });
});

test("flows that nobody reads do not stop the others on their connection", async () => {
  await using setting = await proxied("2", async (far) => {
    if (far.authority.startsWith("flood")) {
      for (;;) await far.write(new Uint8Array(65_536));
    } else await echo(far);
  });
  // More of them than the window of the session could hold.
  const stalled = await Promise.all(Array.from({ length: 24 }, async () => {
    const tunnel = await setting.client.connect({ hostname: "flood.example", port: 1 });
    assert(tunnel.ok);
    return tunnel;
  }));
  for (let i = 0; i < 50; i++) {
    const { writer, reader } = await roundTrip(setting);
    await writer.close();
    assertEquals((await reader.read()).done, true);
  }
  assertEquals(setting.server.connections(), 1);
  for (const tunnel of stalled) await tunnel.readable.cancel();
});

test("a connection that falls silent is given up, and its flows are reset", async () => {
  await using setting = await proxied("2", echo);
  await using mute = await muteable(setting.server.port);
  await using client = await connectProxy(`http://127.0.0.1:${mute.port}`, {
    http: "2",
    timeouts: { pingIdleMs: 30, pingWaitMs: 50 },
  });
  const { reader, tunnel } = await roundTrip({ ...setting, client });
  mute.mute();
  await assertRejects(() => reader.read());
  assertEquals((await tunnel.closed).reason, "reset");
  mute.unmute();
  await roundTrip({ ...setting, client }); // a new connection
});

test("a living connection outlasts many silences", async () => {
  await using setting = await proxied("2", echo, {}, {
    timeouts: { pingIdleMs: 5, pingWaitMs: 1_000 },
  });
  const { writer, reader } = await roundTrip(setting);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await writer.write(new Uint8Array([9]));
  assertEquals((await reader.read()).value, new Uint8Array([9]));
  assertEquals(setting.server.connections(), 1);
});

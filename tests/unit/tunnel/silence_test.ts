/**
 * Silence on an HTTP/3 connection, and what is none.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DEFAULT_TIMEOUTS, type ProxySettings } from "../../../src/tunnel/settings.ts";
import { H3Client } from "../../../src/tunnel/h3/client.ts";
import type { Silence } from "../../../src/tunnel/road/version_client.ts";
import { CERT } from "../../support/certificate.ts";
import { serveH3 } from "../../support/h3_server.ts";

const TARGET = { hostname: "origin.example", port: 443 };

function settings(port: number): ProxySettings {
  return {
    scheme: "https",
    hostname: "127.0.0.1",
    port,
    trust: { caCerts: [CERT] },
    fields: [],
    timeouts: DEFAULT_TIMEOUTS,
    udp: { template: "https://127.0.0.1/{target_host}/{target_port}/", draft03: false },
    tcp: undefined,
    name: `https://127.0.0.1:${port}`,
  };
}

Deno.test("a proxy that says nothing, not even to a question, is silent; its first word ends that", async () => {
  const asked: string[] = [];
  const words = Promise.withResolvers<void>();
  await using server = serveH3(() => Promise.resolve(), {
    respond: (authority) => void asked.push(authority),
    onStream: (stream) => void words.promise.then(() => stream.sendHead([[":status", "103"]])),
  });
  await using client = await H3Client.connect(settings(server.port));
  const silence = Promise.withResolvers<Silence>();
  const patience = new AbortController();
  const began = performance.now();
  const tunnel = client.connect(TARGET, { onSilence: silence.resolve, signal: patience.signal });
  tunnel.catch(() => {});
  const { heard } = await silence.promise;
  assert(performance.now() - began >= 240, "nobody is accused before a quarter of a second");
  assertEquals(asked, ["origin.example:443", `127.0.0.1:${server.port}`]);
  words.resolve();
  assertEquals(await heard, true);
  patience.abort(new Error("enough"));
  await assertRejects(() => tunnel, Error, "enough");
});

Deno.test("a connection that ends in its silence says so", async () => {
  await using server = serveH3(() => Promise.resolve(), { respond: () => undefined });
  await using client = await H3Client.connect(settings(server.port));
  const silence = Promise.withResolvers<Silence>();
  const patience = new AbortController();
  const tunnel = client.connect(TARGET, { onSilence: silence.resolve, signal: patience.signal });
  tunnel.catch(() => {});
  const { heard } = await silence.promise;
  server.kill();
  assertEquals(await heard, false);
  patience.abort(new Error("enough"));
  await assertRejects(() => tunnel);
});

Deno.test("an origin that takes its time is no silence of the proxy", async () => {
  let asked = Promise.withResolvers<void>();
  await using server = serveH3(() => Promise.resolve(), {
    respond(authority) {
      if (authority.startsWith("origin")) return undefined;
      asked.resolve();
      return { ":status": "404" };
    },
  });
  await using client = await H3Client.connect(settings(server.port));
  let silences = 0;
  // Both ends run in this process, so a machine that holds it up for long makes a silence; not every time.
  for (let attempt = 0; attempt < 5; attempt++) {
    silences = 0;
    const patience = new AbortController();
    const { signal } = patience;
    const tunnel = client.connect(TARGET, { onSilence: () => silences++, signal });
    await asked.promise;
    setTimeout(() => patience.abort(new Error("enough")), 400);
    await assertRejects(() => tunnel, Error, "enough");
    if (silences === 0) return;
    asked = Promise.withResolvers();
  }
  assertEquals(silences, 0);
});

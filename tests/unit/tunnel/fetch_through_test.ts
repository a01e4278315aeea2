import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as http2 from "node:http2";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { deferTeardown } from "../../support/http2_session.ts";
import { fetchThrough } from "../../../src/tunnel/origin/fetch_through.ts";
import { CERT, KEY, SHA256 } from "../../support/certificate.ts";
import { LoopbackClient } from "../../support/loopback_client.ts";

const TRUST = { caCerts: [CERT] };

/** An origin that tells what it was asked. */
function serveOrigin(options: { tls?: boolean } = { tls: true }) {
  const identity = options.tls ? { cert: CERT, key: KEY } : {};
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...identity },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/elsewhere") return Response.redirect("https://localhost/");
      if (pathname === "/nothing") return new Response(null, { status: 204 });
      if (pathname === "/never") {
        await new Promise<void>((resolve) => {
          request.signal.addEventListener("abort", () => resolve());
        });
      }
      if (pathname === "/echo") return new Response(request.body);
      return Response.json({
        method: request.method,
        path: pathname + search,
        fields: Object.fromEntries(request.headers),
        length: (await request.arrayBuffer()).byteLength,
      });
    },
  );
  return {
    port: server.addr.port,
    url: `http${options.tls ? "s" : ""}://localhost:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Listens on loopback with what `node:https` or `node:http2` made. */
async function listening(server: https.Server | http2.Http2SecureServer) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `https://localhost:${port}`, [Symbol.asyncDispose]: close };
}

Deno.test("a request goes to the origin by its name, and a hundred share one tunnel", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  const ask = async (i: number) => {
    const response = await fetch(`${origin.url}/a?b=${i}`, {
      method: "POST",
      body: "hello",
      headers: { "x-test": "yes" },
    });
    return { status: response.status, url: response.url, ...await response.json() };
  };
  const { fields, ...rest } = await ask(7);
  assertEquals(rest, {
    status: 200,
    url: `${origin.url}/a?b=7`,
    method: "POST",
    path: "/a?b=7",
    length: 5,
  });
  assertEquals([fields["x-test"], fields["content-length"]], ["yes", "5"]);
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i)));
  assertEquals(all.map(({ path }) => path), all.map((_, i) => `/a?b=${i}`));
  assertEquals(proxy.targets, [`localhost:${origin.port}`]);
});

Deno.test("requests that start together wait for one connection", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  await Promise.all([1, 2, 3].map(async () => (await fetch(origin.url)).body?.cancel()));
  assertEquals(proxy.targets.length, 1);
});

Deno.test("a megabyte goes there and back, both bodies as streams", async () => {
  for (const tls of [true, false]) {
    await using origin = serveOrigin({ tls });
    await using proxy = new LoopbackClient();
    await using fetch = fetchThrough(proxy, TRUST);
    const block = crypto.getRandomValues(new Uint8Array(65_536));
    let left = 16;
    const body = new ReadableStream({
      pull: (controller) => left-- > 0 ? controller.enqueue(block) : controller.close(),
    });
    const response = await fetch(`${origin.url}/echo`, { method: "POST", body });
    const echoed = new Uint8Array(await response.arrayBuffer());
    assertEquals(echoed.length, 16 * block.length);
    for (let i = 0; i < 16; i++) {
      assertEquals(echoed.subarray(i * block.length, (i + 1) * block.length), block);
    }
  }
});

Deno.test("HTTP/1.1 is spoken where the origin has no HTTP/2, also by many at once", async () => {
  const server = https.createServer({ cert: CERT, key: KEY }, (request, response) => {
    request.resume().on("end", () => response.end(request.url));
  });
  await using origin = await listening(server);
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  const ask = async (path: string) => await (await fetch(origin.url + path)).text();
  assertEquals(await ask("/a"), "/a");
  assertEquals(await Promise.all(["/b", "/c", "/d"].map(ask)), ["/b", "/c", "/d"]);
  assertEquals(proxy.targets.length, 4);
});

Deno.test("a redirect is handed out, and a status without a body has none", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  const redirect = await fetch(`${origin.url}/elsewhere`);
  assertEquals([redirect.status, redirect.headers.get("location")], [302, "https://localhost/"]);
  assertEquals((await fetch(`${origin.url}/nothing`)).body, null);
  assertEquals((await fetch(origin.url, { method: "HEAD" })).body, null);
});

Deno.test("an origin that nobody vouches for is not believed, and the right pin is", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  {
    await using fetch = fetchThrough(proxy);
    await assertRejects(() => fetch(origin.url), TypeError, "certificate");
  }
  {
    await using fetch = fetchThrough(proxy, { pin: "00".repeat(32) });
    await assertRejects(() => fetch(origin.url), TypeError, "not the pinned one");
  }
  await using fetch = fetchThrough(proxy, { pin: SHA256 });
  assertEquals((await fetch(`${origin.url}/nothing`)).status, 204);
  // The wrong name with the right authority.
  await using other = fetchThrough(new LoopbackClient({ "other.example": origin.port }), TRUST);
  await assertRejects(() => other("https://other.example/"), TypeError);
});

Deno.test("an aborted request rejects with the reason, and the connection serves on", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  await (await fetch(origin.url)).body?.cancel();
  const reason = new Error("enough");
  const controller = new AbortController();
  const asked = fetch(`${origin.url}/never`, { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await asked.catch((error) => error), reason);
  assertEquals((await fetch(`${origin.url}/nothing`)).status, 204);
  assertEquals(proxy.targets.length, 1);
});

Deno.test("a connection that the origin gave up is replaced", async () => {
  const server = http2.createSecureServer({ cert: CERT, key: KEY });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(deferTeardown(session)));
  server.on("stream", (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
  await using origin = await listening(server);
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  for (let i = 1; i <= 3; i++) {
    assertEquals((await fetch(origin.url)).status, 204);
    assertEquals([sessions.length, proxy.targets.length], [i, i]);
    sessions[i - 1].close(); // with a GOAWAY
    await proxy.closed[i - 1];
  }
});

Deno.test("a body that is cut off is an error, not an end", async () => {
  const server = http2.createSecureServer({ cert: CERT, key: KEY });
  server.on("session", deferTeardown);
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.write("half of it", () => setImmediate(() => stream.session!.destroy()));
  });
  await using origin = await listening(server);
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy, TRUST);
  const response = await fetch(origin.url);
  await assertRejects(() => response.text(), TypeError, "cut off");
});

Deno.test("closing ends requests under way, and what comes later is refused", async () => {
  await using origin = serveOrigin();
  await using proxy = new LoopbackClient();
  const fetch = fetchThrough(proxy, TRUST);
  await (await fetch(origin.url)).body?.cancel();
  const asked = fetch(`${origin.url}/never`).catch((error) => error);
  await fetch.close();
  assert(await asked instanceof Error);
  const error = await assertRejects(() => fetch(origin.url), TypeError);
  assertStringIncludes(error.message, "closed");
  await fetch.close();
});

Deno.test("only HTTP is fetched, and a bad pin is told at once", async () => {
  await using proxy = new LoopbackClient();
  await using fetch = fetchThrough(proxy);
  await assertRejects(() => fetch("ftp://localhost/"), TypeError, '"ftp:"');
  await assertRejects(() => Promise.resolve().then(() => fetchThrough(proxy, { pin: "no" })));
  assertEquals(proxy.targets, []);
});

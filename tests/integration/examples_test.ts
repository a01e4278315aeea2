/**
 * The programs in `examples`, run as a reader would run them.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connectProxy, serveProxy } from "../../mod.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { serveHttp } from "../support/origin.ts";
import { type Process, startProcess } from "../support/process.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";
import { serveUdpEcho } from "../support/udp_echo.ts";
import { udpSocket } from "../support/udp_port.ts";

ffiIsUsable(); // the library stays open for the life of the program, which a test would take for a leak

const HELLO = "hello from the origin\n";
const ROOT = new URL("../../", import.meta.url);

function start(name: string, ...args: string[]): Process {
  const path = new URL(`examples/${name}.ts`, ROOT).pathname;
  return startProcess(Deno.execPath(), ["run", "-A", "--no-check", path, ...args], { cwd: ROOT });
}

function curl(...args: string[]): Promise<string> {
  return runTool("curl", "--silent", "--show-error", "--max-time", "20", "--noproxy", "", ...args);
}

/** The word behind `listening`. */
async function listening(program: Process, pattern = /listening (\S+)/): Promise<string> {
  return (await program.waitFor(pattern))[1];
}

/** Asks until an answer comes: UDP may lose. */
async function askUdp(port: number, payload: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  await using asking = await udpSocket((_socket, _from, bytes) => resolve(new Uint8Array(bytes)));
  const ask = () => asking.socket.send(payload, port, "127.0.0.1");
  const again = setInterval(ask, 500);
  const late = setTimeout(() => resolve(new Uint8Array(0)), 20_000);
  ask();
  return await promise.finally(() => {
    clearInterval(again);
    clearTimeout(late);
  });
}

for (const name of ["http_proxy", "preproxy", "fetch_through", "edge_proxy"]) {
  Deno.test(`examples/${name}.ts explains itself, and refuses what it does not know`, async () => {
    await using help = start(name, "--help");
    assertEquals((await help.status).code, 0);
    assertMatch(help.said(), /^Usage: \w+\.ts .*--help/s);
    await using wrong = start(name, "--nonsense");
    assertEquals((await wrong.status).code, 2);
    assertStringIncludes(wrong.said(), "--nonsense");
    assertEquals(wrong.said().trim().split("\n").length, 1);
  });
}

Deno.test(
  "curl passes the local proxy by CONNECT, in absolute form and by SOCKS5, and reads its status",
  requires("curl"),
  async () => {
    await using origin = serveHttp();
    await using upstream = await serveProxy({ token: "secret", allow: ["127.0.0.0/8"] });
    const pin = upstream.certificateSha256!;
    await using program = start(
      "http_proxy",
      ...["--listen", "127.0.0.1:0", "--proxy", upstream.url, "--pin", pin, "--token", "secret"],
    );
    const proxy = await listening(program);
    const url = `http://${origin.authority}/`;
    const socks = proxy.replace("http://", "");
    assertEquals(await curl("-x", proxy, url), HELLO);
    assertEquals(await curl("-x", proxy, "--proxytunnel", url), HELLO);
    assertEquals(await curl("--socks5-hostname", socks, `http://localhost:${origin.port}/`), HELLO);
    assertEquals(await curl("--socks5", socks, url), HELLO);
    const long = "x".repeat(100_000);
    const sent = ["--data-binary", "@-", `${url}echo`];
    assertEquals(await curl("-x", proxy, ...sent.with(1, long)), long);
    const status = JSON.parse(await curl(proxy));
    assert(status.proxy.startsWith(`${upstream.url} (HTTP/`), status.proxy);
    assertEquals(status.address, "127.0.0.1");
    assert(status.open >= 1, `${status.open} connections are open, and one of them asks`);

    const code = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    assertEquals(await curl("-x", proxy, ...code, "http://no-such-name.invalid/"), "504");
    const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    dead.close();
    const words = await curl("--socks5", socks, `http://127.0.0.1:${dead.addr.port}/`).catch(
      String,
    );
    assertMatch(words, /\(5\)|refused/i);
  },
);

Deno.test("the local proxy stands in front of a chain, too", requires("curl"), async () => {
  await using origin = serveHttp();
  const options = { tls: false, allow: ["127.0.0.0/8"] } as const;
  await using outer = await serveProxy({ ...options, token: "one" });
  await using inner = await serveProxy({ ...options, token: "two" });
  await using program = start(
    "http_proxy",
    ...["--listen", "127.0.0.1:0", "--proxy", outer.url, "--proxy", inner.url],
    ...["--token", "one", "--token", "two"],
  );
  const proxy = await listening(program);
  assertEquals(await curl("-x", proxy, `http://${origin.authority}/`), HELLO);
  const { proxy: words } = JSON.parse(await curl(proxy));
  assert(words.startsWith(inner.url) && words.endsWith(`${outer.url} (HTTP/1.1)`), words);
});

Deno.test("datagrams pass the local proxy by a SOCKS5 association", async () => {
  await using echo = await serveUdpEcho();
  await using program = start("http_proxy", "--listen", "127.0.0.1:0", "--proxy", "embedded");
  const { hostname, port } = new URL(await listening(program));
  using conn = await Deno.connect({ hostname, port: Number(port) });
  await conn.write(Uint8Array.of(5, 1, 0));
  const answer = new Uint8Array(64);
  assertEquals(await conn.read(answer), 2);
  await conn.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
  assertEquals(await conn.read(answer), 10);
  assertEquals([...answer.subarray(0, 8)], [5, 0, 0, 1, 127, 0, 0, 1]);
  const header = [0, 0, 0, 1, 127, 0, 0, 1, echo.port >> 8, echo.port & 255];
  const datagram = Uint8Array.of(...header, 104, 105);
  assertEquals(await askUdp(answer[8] * 256 + answer[9], datagram), datagram);
});

Deno.test(
  "the reverse listener leads TCP and UDP to one destination",
  requires("curl"),
  async () => {
    await using origin = serveHttp();
    await using echo = await serveUdpEcho();
    await using tcp = start(
      "preproxy",
      ...["--to", `127.0.0.1:${origin.port}`, "--tcp", "0,0", "--proxy", "embedded"],
    );
    const [, first, second] = await tcp.waitFor(/tcp \S+ (\d+)\n.*tcp \S+ (\d+)\n/s);
    for (const port of [first, second]) {
      assertEquals(await curl(`http://127.0.0.1:${port}/`), HELLO);
    }
    await using udp = start(
      "preproxy",
      ...["--to", `127.0.0.1:${echo.port}`, "--udp", "0", "--proxy", "embedded"],
    );
    const port = await listening(udp, /udp \S+ (\d+)/);
    assertEquals(await askUdp(Number(port), Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  },
);

Deno.test("fetch goes through a tunnel, ours and the runtime's own", async () => {
  await using origin = serveHttp();
  for (const way of [[], ["--client"]]) {
    const url = `http://${origin.authority}/`;
    await using program = start("fetch_through", "--proxy", "embedded", ...way, url);
    assertEquals((await program.status).code, 0, program.said());
    assertStringIncludes(program.said(), HELLO);
  }
});

Deno.test("a handler of requests is a proxy for clients that have nothing but fetch", async () => {
  await using origin = serveHttp();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/cert.pem`, CERT);
    await Deno.writeTextFile(`${folder}/key.pem`, KEY);
    await using program = start(
      "edge_proxy",
      ...["--listen", "127.0.0.1:0", "--token", "secret", "--allow", "127.0.0.0/8"],
      ...["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`],
    );
    const url = await listening(program);
    const options = { http: "fetch", caCerts: [CERT], token: "secret" } as const;
    await using client = await connectProxy(url, options);
    const tunnel = await client.connect({ hostname: "127.0.0.1", port: origin.port });
    assert(tunnel.ok);
    const writer = tunnel.writable.getWriter();
    await writer.write(
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    );
    assertStringIncludes(await new Response(tunnel.readable).text(), HELLO);
    await writer.close();
    assertEquals((await tunnel.closed).reason, "finished");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/**
 * The embedded proxy, as programs see it that nobody here wrote.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type EmbeddedProxy, type ProxyOptions, serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { patternBytes, patternStream, readPattern, serveHttp } from "../support/origin.ts";
import { requires } from "../support/requires.ts";
import { startServer } from "../support/servers.ts";
import { runTool } from "../support/tools.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const CURL_H2 = new URL("../support/curl_h2.py", import.meta.url).pathname;
const HELLO = "hello from the origin\n";

function startProxy(options: ProxyOptions = {}): Promise<EmbeddedProxy> {
  return serveProxy({ tls: false, allow: ["127.0.0.0/8", "::1/128"], ...options });
}

function curl(proxy: string, url: string, ...args: string[]): Promise<string> {
  const quiet = ["--silent", "--show-error", "--max-time", "20", "--noproxy", ""];
  return runTool("curl", ...quiet, "--proxytunnel", "--proxy", proxy, ...args, url);
}

Deno.test(
  "curl passes in the clear, by address, by name and over IPv6",
  requires("curl"),
  async () => {
    await using origin = serveHttp();
    await using origin6 = serveHttp("::1");
    await using proxy = await startProxy();
    for (const authority of [origin.authority, `localhost:${origin.port}`, origin6.authority]) {
      assertEquals(await curl(proxy.url, `http://${authority}/`), HELLO);
    }
  },
);

Deno.test(
  "curl passes over TLS when it trusts the certificate, and not otherwise",
  requires("curl"),
  async () => {
    await using origin = serveHttp();
    await using proxy = await startProxy({ tls: "self-signed" });
    const folder = await Deno.makeTempDir();
    try {
      const ca = `${folder}/ca.pem`;
      await Deno.writeTextFile(ca, proxy.certificate!);
      const url = `http://${origin.authority}/`;
      for (const host of ["localhost", "127.0.0.1"]) {
        const address = `https://${host}:${proxy.port}`;
        assertEquals(await curl(address, url, "--proxy-cacert", ca), HELLO);
      }
      assertEquals(await curl(proxy.url, url, "--proxy-insecure"), HELLO);
      await assertRejects(() => curl(proxy.url, url), Error, "certificate");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("curl shows its credentials in the ways it knows", requires("curl"), async () => {
  await using origin = serveHttp();
  await using proxy = await startProxy({ token: "t0ken", basic: { user: "zoe", pass: "p:w" } });
  const url = `http://${origin.authority}/`;
  assertEquals(await curl(proxy.url, url, "--proxy-user", "zoe:p:w"), HELLO);
  // It asks without them first, and comes back on a new connection after the 407.
  assertEquals(await curl(proxy.url, url, "--proxy-user", "zoe:p:w", "--proxy-anyauth"), HELLO);
  const bearer = ["--proxy-header", "Proxy-Authorization: Bearer t0ken"];
  assertEquals(await curl(proxy.url, url, ...bearer), HELLO);
  await assertRejects(() => curl(proxy.url, url, "--proxy-user", "zoe:no"), Error, "407");
  await assertRejects(() => curl(proxy.url, url), Error, "407");
});

Deno.test("curl reads why it was refused", requires("curl"), async () => {
  await using proxy = await startProxy({ allow: [] });
  const failing = curl(proxy.url, "http://localhost:1/", "--verbose");
  const { message } = await assertRejects(() => failing, Error, "403");
  assertStringIncludes(message, "error=destination_ip_prohibited");
  const plain = await runTool("curl", "--silent", "--noproxy", "", "--include", proxy.url);
  assertMatch(plain, /^HTTP\/1\.1 404 Not Found\r\n/);
  assertStringIncludes(plain, "\r\n\r\nNothing is served here");
});

Deno.test("curl moves 64 MiB each way without a changed byte", requires("curl"), async () => {
  const length = 64 << 20;
  await using origin = serveHttp();
  await using proxy = await startProxy();
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/pattern`;
    await Deno.writeFile(file, patternStream(length));
    const up = await curl(
      proxy.url,
      `http://${origin.authority}/count`,
      "--data-binary",
      `@${file}`,
    );
    assertEquals(up, `${length}\n`);
    const down = `${folder}/down`;
    await curl(proxy.url, `http://${origin.authority}/bytes/${length}`, "--output", down);
    using received = await Deno.open(down);
    assertEquals(await readPattern(received.readable), length);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test(
  "libcurl passes over HTTP/2, and reads what is refused",
  requires("pycurl"),
  async () => {
    await using origin = serveHttp();
    await using proxy = await startProxy({ tls: { cert: CERT, key: KEY }, token: "s3cret" });
    const caFile = await Deno.makeTempFile({ suffix: ".pem" });
    try {
      await Deno.writeTextFile(caFile, CERT);
      const fetchAll = async (token: string, ...urls: string[]) => {
        const where = [`${proxy.port}`, caFile, token];
        return (await runTool("python3", CURL_H2, ...where, ...urls)).trim().split("\n");
      };
      const length = 3_000_000;
      const web = `http://${origin.authority}`;
      const named = `http://localhost:${origin.port}/`;
      const none = "http://no-such-name.invalid/";
      assertEquals(
        await fetchAll("s3cret", `${web}/`, named, `${web}/bytes/${length}`, none),
        [
          `200 ${HELLO.length} ${await sha256(new TextEncoder().encode(HELLO))}`,
          `200 ${HELLO.length} ${await sha256(new TextEncoder().encode(HELLO))}`,
          `200 ${length} ${await sha256(patternBytes(0, length))}`,
          "refused 502",
          "by HTTP/2",
        ],
      );
      assertEquals(await fetchAll("wrong", `${web}/`), [
        "refused 407",
        "by HTTP/2",
      ]);
    } finally {
      await Deno.remove(caFile);
    }
  },
);

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

const nghttpx = requires("curl", "nghttpx");

Deno.test(
  "nghttpx, which speaks HTTP/2 by nghttp2, passes many flows on to the proxy",
  nghttpx,
  async () => {
    await using origin = serveHttp();
    await using proxy = await startProxy();
    // HTTP/1.1 from curl, HTTP/2 to us: curl itself learnt HTTP/2 to proxies after Debian 12.
    await using front = await startServer((port) =>
      Promise.resolve([
        "nghttpx",
        "--conf=/dev/null",
        "--http2-proxy",
        `--frontend=127.0.0.1,${port};no-tls`,
        `--backend=127.0.0.1,${proxy.port};;proto=h2`,
        "--workers=1",
        "--errorlog-file=/dev/null",
      ])
    );
    const address = `http://${front.authority}`;
    const length = 1_000_000;
    const bodies = await Promise.all(Array.from({ length: 10 }, () => {
      return curl(
        address,
        `http://${origin.authority}/bytes/${length}`,
        "--output",
        "-",
        "--include",
      );
    }));
    for (const body of bodies) assertMatch(body, new RegExp(`content-length: ${length}\r\n`));
    assertEquals(await curl(address, `http://${origin.authority}/`), HELLO);
    await assertRejects(() => curl(address, "http://no-such-name.invalid/"), Error, "502");
  },
);

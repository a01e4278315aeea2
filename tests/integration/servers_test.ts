import { assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "node:http2";
import { createNamespace } from "../support/netns.ts";
import { serveHttp } from "../support/origin.ts";
import { startEnvoy } from "../support/envoy.ts";
import { startNghttpx, startSquid, startTinyproxy } from "../support/proxies.ts";
import { requires } from "../support/requires.ts";
import type { TlsServer } from "../support/servers.ts";
import { runTool } from "../support/tools.ts";

const HELLO = "hello from the origin\n";

/** Plain curl through a proxy; `-p` asks for CONNECT even for http. */
function curl(proxy: string, url: string, ...args: string[]): Promise<string> {
  const quiet = ["--silent", "--show-error", "--max-time", "10", "--noproxy", ""];
  return runTool("curl", ...quiet, "--proxytunnel", "--proxy", proxy, ...args, url);
}

/** A GET over CONNECT on one HTTP/2 stream, by hand: curl learnt HTTP/2 to proxies after Debian 12. */
async function getOverHttp2(url: string, authority: string, ca?: string): Promise<string> {
  const session = connect(url, ca === undefined ? {} : { ca });
  try {
    const stream = session.request({ ":method": "CONNECT", ":authority": authority });
    const status = await new Promise((resolve, reject) => {
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("error", reject);
      session.on("error", reject);
    });
    assertEquals(status, 200);
    stream.end(`GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
    return await new Response(ReadableStream.from(stream)).text();
  } finally {
    const closed = new Promise((resolve) => session.once("close", resolve));
    session.destroy();
    await closed;
  }
}

Deno.test("curl passes squid", requires("curl", "squid"), async () => {
  await using origin = serveHttp();
  await using proxy = await startSquid();
  assertEquals(await curl(`http://${proxy.authority}`, `http://${origin.authority}/`), HELLO);
});

Deno.test("curl passes tinyproxy", requires("curl", "tinyproxy"), async () => {
  await using origin = serveHttp();
  await using proxy = await startTinyproxy();
  assertEquals(await curl(`http://${proxy.authority}`, `http://${origin.authority}/`), HELLO);
});

const nghttpx = requires("curl", "squid", "nghttpx", "openssl");

Deno.test("curl passes nghttpx in front of squid, over HTTP/1.1 and HTTP/2", nghttpx, async () => {
  await using origin = serveHttp();
  await using squid = await startSquid();
  await using proxy = await startNghttpx(squid);
  await passes(proxy, origin.authority);
});

const envoy = requires("curl", "envoy", "openssl");

Deno.test("curl passes Envoy with TLS, over HTTP/1.1 and HTTP/2", envoy, async () => {
  await using origin = serveHttp();
  await using proxy = await startEnvoy({ tls: true });
  await passes(proxy, origin.authority);
});

Deno.test("curl passes Envoy in the clear, over HTTP/1.1 and HTTP/2", envoy, async () => {
  await using origin = serveHttp();
  await using proxy = await startEnvoy({ tls: false });
  assertEquals(await curl(`http://${proxy.authority}`, `http://${origin.authority}/`), HELLO);
  const answer = await getOverHttp2(`http://${proxy.authority}`, origin.authority);
  assertStringIncludes(answer, HELLO);
});

Deno.test(
  "a namespace is another machine at the end of a cable",
  requires("netns", "curl"),
  async () => {
    const subnet = crypto.getRandomValues(new Uint8Array(2));
    const prefix = `10.${subnet[0]}.${subnet[1] & 0xfc}`;
    await using namespace = await createNamespace({
      veth: { outside: [`${prefix}.1/30`], inside: [`${prefix}.2/30`] },
      resolver: "192.0.2.53",
    });
    await using origin = serveHttp(`${prefix}.1`);
    const ran = await namespace.run("curl", "-sS", "--noproxy", "*", `http://${origin.authority}/`);
    assertEquals(ran, { code: 0, stdout: HELLO, stderr: "" });
    const { stdout } = await namespace.run("cat", "/etc/resolv.conf");
    assertEquals(stdout, "nameserver 192.0.2.53\n");
  },
);

async function passes(proxy: TlsServer, authority: string): Promise<void> {
  const url = `https://${proxy.authority}`;
  const answer = await curl(url, `http://${authority}/`, "--proxy-cacert", proxy.caFile);
  assertEquals(answer, HELLO);
  const ca = await Deno.readTextFile(proxy.caFile);
  assertStringIncludes(await getOverHttp2(url, authority, ca), HELLO);
}

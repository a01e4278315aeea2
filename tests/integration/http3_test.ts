import { assertEquals, assertMatch } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { createNamespace } from "../support/netns.ts";
import { startProcess } from "../support/process.ts";
import {
  commandLine,
  startEmbeddedProxyKnowing,
  startHttp3Proxy,
  startUp,
} from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun", "aioquic");

const PEER = new URL("../support/http3_peer.py", import.meta.url).pathname;

/** Bytes of each of the eight bodies. */
const LENGTH = "200000";
const EXACT = /^exact 1600000 bytes down$/m;

/** An HTTP/3 server on this machine, and a file with its certificate. */
async function serveHttp3(hostname: string) {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-http3-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [ca, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(ca, CERT);
  await Deno.writeTextFile(key, KEY);
  const server = stack.use(startProcess("python3", [PEER, "server", hostname, ca, key]));
  const [, port] = await server.waitFor(/^listening (\d+)/m, 20_000);
  const all = stack.move();
  return { port, ca, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

for (
  const [way, family, http, udpBind] of [
    ["a tunnel of its own", "ipv4", "1.1", "off"],
    ["a tunnel of its own", "ipv6", "2", "off"],
    ["a port at the proxy", "ipv4", "2", "auto"],
    ["datagrams of QUIC", "ipv4", "3", "off"],
  ] as const
) {
  Deno.test(
    `a real HTTP/3 client gets every byte through ${way}, over HTTP/${http} and ${family}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      const hostname = addresses[family];
      await using server = await serveHttp3(hostname);
      await using proxy = await startHttp3Proxy();
      await using namespace = await createNamespace();
      const options = [
        "--pin",
        proxy.pin!,
        "--http",
        http,
        "--udp-bind",
        udpBind,
        "--log",
        "debug",
      ];
      await using up = await startUp(namespace, `https://${proxy.authority}`, ...options);
      const client = [PEER, "client", hostname, server.port, "localhost", server.ca, LENGTH];
      const { stdout, stderr, code } = await namespace.run("python3", ...client);
      assertEquals(code, 0, stderr);
      assertMatch(stdout, EXACT);
      assertEquals(/at the proxy, for everybody/.test(up.said()), udpBind === "auto");
    },
  );
}

Deno.test(
  "run carries a real HTTP/3 client to a name that only the proxy knows",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using server = await serveHttp3(addresses.ipv4);
    const known = { "quic.test": addresses.ipv4 };
    await using proxy = await startEmbeddedProxyKnowing(known, "--plain");
    const client = ["python3", PEER, "client", "quic.test", server.port, "localhost", server.ca];
    const options = ["run", "--proxy", `http://${proxy.authority}`, "--http", "2", "--"];
    const [command, ...words] = commandLine(...options, ...client, LENGTH);
    await using run = startProcess(command, words);
    assertEquals((await run.status).code, 0, run.said());
    assertMatch(run.said(), EXACT);
  },
);

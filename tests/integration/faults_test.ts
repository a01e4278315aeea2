/**
 * Faults of a proxy that the kernel has to show: what the program sees, and what the operator reads. A proxy that is killed is in
 * `refusals_test.ts`; what needs no kernel is in `tests/unit/tunnel/faults_test.ts`.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { quicIsAvailable } from "../../src/http3/runtime.ts";
import { createLog } from "../../src/log.ts";
import { serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import type { ProxyClient } from "../../src/tunnel/tunnel.ts";
import { borrowAddresses } from "../support/addresses.ts";
import { dropPackets } from "../support/dropped.ts";
import { echo } from "../support/far_side.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen } from "../support/origin.ts";
import {
  type EmbeddedProxy,
  runClient,
  startClient,
  startEmbeddedProxy,
  startHttp3Proxy,
  startUp,
} from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { serveTcp } from "../support/tunnel_servers.ts";

const NEEDS = requires("netns", "tun");
const NEEDS_NFT = requires("netns", "tun", "nft");

ffiIsUsable(); // loads the C library once, for all tests

/** What happens to a proxy, until it is over. */
type Trouble = (proxy: EmbeddedProxy) => Promise<AsyncDisposable>;

const frozen: Trouble = ({ process }) => {
  process.kill("SIGSTOP");
  const thaw = () => Promise.resolve(process.kill("SIGCONT"));
  return Promise.resolve({ [Symbol.asyncDispose]: thaw });
};

const cutOff = (http: string): Trouble => ({ port }) =>
  dropPackets(http === "3" ? "udp" : "tcp", port);

/** A program reads without end through the proxy when `happens`: how its reading ends, and what a connection becomes when it is over. */
async function readThrough(http: "1.1" | "2" | "3", happens: Trouble) {
  await using addresses = await borrowAddresses();
  await using origin = serveChargen(2 ** 40, addresses.ipv4);
  await using proxy = http === "3" ? await startHttp3Proxy() : await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  const scheme = http === "3" ? "https" : "http";
  const pin = http === "3" ? ["--pin", proxy.pin!] : [];
  const options = ["--http", http, "--ping", "0.5,1", ...pin];
  await using up = await startUp(namespace, `${scheme}://${proxy.authority}`, ...options);
  const where = [origin.hostname, `${origin.port}`];
  await using client = startClient(namespace, "read", ...where);
  await client.waitFor(/flowing/);
  let end: string;
  {
    await using _trouble = await happens(proxy);
    [, end] = await client.waitFor(/the end: (\w+)/);
    const words = `does not answer any more: a connection of HTTP/${http} is given up`;
    await up.waitFor(new RegExp(RegExp.escape(words))); // at the level that people have
  }
  const { outcome } = await runClient<{ outcome: string }>(namespace, "dial", ...where);
  return [end, outcome];
}

for (const http of ["1.1", "2", "3"] as const) {
  Deno.test(
    `a proxy that is frozen resets the flow over HTTP/${http}, and is found when it thaws`,
    NEEDS,
    async () => {
      assertEquals(await readThrough(http, frozen), ["ECONNRESET", "connected"]);
    },
  );

  Deno.test(
    `a connection whose packets are lost resets the flow over HTTP/${http}, and the next one is new`,
    NEEDS_NFT,
    async () => {
      assertEquals(await readThrough(http, cutOff(http)), ["ECONNRESET", "connected"]);
    },
  );
}

/** A tunnel there and back. */
async function roundTrip(client: ProxyClient, port: number): Promise<void> {
  const tunnel = await client.connect({ hostname: "127.0.0.1", port });
  assert(tunnel.ok, tunnel.ok ? "" : tunnel.outcome.detail);
  const writer = tunnel.writable.getWriter();
  await writer.write(Uint8Array.of(7));
  await writer.close();
  assertEquals(await new Response(tunnel.readable).bytes(), Uint8Array.of(7));
  await tunnel.closed;
}

Deno.test(
  "where UDP is blocked, auto goes over TCP, at the start and in the middle",
  NEEDS_NFT,
  async () => {
    assert(quicIsAvailable(), "deno.json switches QUIC on");
    await using origin = await serveTcp(echo);
    await using proxy = await serveProxy({ allow: ["127.0.0.0/8"] });
    const lines: string[] = [];
    const log = createLog("info", (_level, line) => lines.push(line));
    const options = {
      pin: proxy.certificateSha256,
      log,
      timeouts: { pingIdleMs: 200, pingWaitMs: 400, http3RetryMs: 100 },
    };
    {
      await using _blocked = await dropPackets("udp", proxy.port);
      await using client = await connectProxy(proxy.url, options);
      assertMatch(client.description, /HTTP\/2/);
      await roundTrip(client, origin.port);
    }
    await using client = await connectProxy(proxy.url, { ...options, http: "auto" });
    const climbed = async () => {
      const deadline = performance.now() + 20_000;
      while (!client.description.includes("HTTP/3")) {
        if (performance.now() > deadline) throw new Error(`it stays at ${client.description}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await climbed();
    await roundTrip(client, origin.port);
    {
      await using _blocked = await dropPackets("udp", proxy.port);
      await roundTrip(client, origin.port);
      assertMatch(client.description, /HTTP\/2/);
    }
    await climbed();
    const [before, last] = lines.slice(-2).map((line) => line.replace(/^\S+: /, ""));
    assertMatch(before, /^HTTP\/3 is (?:silent|broken), so new flows go over TCP/);
    assertEquals(last, "New flows take HTTP/3 again");
  },
);

Deno.test(
  "where UDP is blocked in mid-life, the next flow is hardly late",
  NEEDS_NFT,
  async () => {
    await using origin = await serveTcp(echo);
    await using proxy = await serveProxy({ allow: ["127.0.0.0/8"] });
    const pin = proxy.certificateSha256;
    await using client = await connectProxy(proxy.url, { pin });
    const took: number[] = [];
    while (took.length < 3) {
      const deadline = performance.now() + 20_000;
      while (!client.description.includes("HTTP/3")) { // its connection has outlived the silence
        if (performance.now() > deadline) throw new Error(`it stays at ${client.description}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await roundTrip(client, origin.port);
      await using _blocked = await dropPackets("udp", proxy.port);
      const began = performance.now();
      await roundTrip(client, origin.port);
      took.push(Math.round(performance.now() - began));
      assertMatch(client.description, /HTTP\/2/);
    }
    console.log(`  with UDP blocked in mid-life a flow opens after ${took.join(", ")} ms`);
    assert(Math.max(...took) < 2_000, `it took ${took.join(", ")} ms`);
  },
);

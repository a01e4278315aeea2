import { assert, assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { startEnvoy } from "../support/envoy.ts";
import { startGoproxy } from "../support/goproxy.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen, serveDiscard, serveExchange, serveHttp } from "../support/origin.ts";
import { startNghttpx, startSquid, startTinyproxy } from "../support/proxies.ts";
import { runClient, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import type { Server, TlsServer } from "../support/servers.ts";

const LENGTH = 32 * 2 ** 20;

/** Each proxy has its own answer for a closed port, and few say more than a status. */
const REFUSALS = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"];

interface Peer {
  readonly name: string;
  readonly http: "1.1" | "2" | "3";
  readonly needs: { ignore: boolean };
  readonly start: (stack: AsyncDisposableStack) => Promise<Server | TlsServer>;
  /** Whose FIN leaves the other direction open. Most proxies take one end for both, or for a reset. */
  readonly passesFinOf: "origin" | "program" | "nobody";
}

const base = ["netns", "tun", "curl"];
const envoyNeeds = requires(...base, "envoy", "openssl");

const PEERS: readonly Peer[] = [
  {
    name: "squid",
    http: "1.1",
    needs: requires(...base, "squid"),
    start: async (stack) => stack.use(await startSquid()),
    passesFinOf: "origin",
  },
  {
    name: "tinyproxy",
    http: "1.1",
    needs: requires(...base, "tinyproxy"),
    start: async (stack) => stack.use(await startTinyproxy()),
    passesFinOf: "origin",
  },
  {
    name: "nghttpx in front of squid",
    http: "2",
    needs: requires(...base, "squid", "nghttpx", "openssl"),
    start: async (stack) => stack.use(await startNghttpx(stack.use(await startSquid()))),
    passesFinOf: "origin",
  },
  ...(["1.1", "2"] as const).map((http): Peer => ({
    name: "goproxy",
    http,
    needs: requires(...base, "go"),
    start: async (stack) => stack.use(await startGoproxy()),
    passesFinOf: http === "2" ? "nobody" : "origin",
  })),
  ...(["1.1", "2"] as const).flatMap((http) =>
    [true, false].map((tls): Peer => ({
      name: `Envoy ${tls ? "with TLS" : "in the clear"}`,
      http,
      needs: envoyNeeds,
      start: async (stack) =>
        stack.use(tls ? await startEnvoy({ tls }) : await startEnvoy({ tls: false })),
      passesFinOf: http === "2" ? "program" : "origin",
    }))
  ),
  {
    name: "Envoy with TLS",
    http: "3",
    needs: envoyNeeds,
    start: async (stack) => stack.use(await startEnvoy({ tls: true })),
    passesFinOf: "program",
  },
];

for (const peer of PEERS) {
  Deno.test(`flows pass ${peer.name}, over HTTP/${peer.http}`, peer.needs, async () => {
    await using stack = new AsyncDisposableStack();
    const { ipv4 } = stack.use(await borrowAddresses());
    const proxy = await peer.start(stack);
    const namespace = stack.use(await createNamespace());
    const tls = "caFile" in proxy ? ["--ca", proxy.caFile] : [];
    const url = `${tls.length > 0 ? "https" : "http"}://${proxy.authority}`;
    stack.use(await startUp(namespace, url, "--http", peer.http, ...tls));

    const web = stack.use(serveHttp(ipv4));
    const ran = await namespace.run("curl", "-sS", "-m", "10", `http://${web.authority}/`);
    assertEquals(ran, { code: 0, stdout: "hello from the origin\n", stderr: "" });

    const both = stack.use(serveExchange(LENGTH, ipv4));
    const exchanged = await runClient(namespace, "exchange", ipv4, `${both.port}`, `${LENGTH}`);
    assertEquals(exchanged, { length: LENGTH });

    if (peer.passesFinOf === "origin") {
      const source = stack.use(serveChargen(LENGTH, ipv4));
      const read = await runClient(namespace, "download", ipv4, `${source.port}`);
      assertEquals(read, { length: LENGTH });
    } else if (peer.passesFinOf === "program") {
      const sink = stack.use(serveDiscard(ipv4));
      const sent = await runClient(namespace, "upload", ipv4, `${sink.port}`, `${LENGTH}`);
      assertEquals(sent, { answer: `${LENGTH}` });
    }

    const { outcome } = await runClient(namespace, "dial", ipv4, "9");
    assert(REFUSALS.includes(outcome as string), `a closed port was "${outcome}"`);
  });
}

/**
 * Mutual TLS with proxies that nobody here wrote.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { ProxyError } from "../../src/errors.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { connectProxy } from "../../src/tunnel/proxy_client.ts";
import { startEnvoy } from "../support/envoy.ts";
import { readPattern, serveChargen } from "../support/origin.ts";
import { startNghttpx, startSquid } from "../support/proxies.ts";
import { requires } from "../support/requires.ts";
import { makeCertificate, type TlsServer } from "../support/servers.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

const LENGTH = 1_000_000;

type Start = (stack: AsyncDisposableStack, clientCaFile: string) => Promise<TlsServer>;

const PEERS: readonly [name: string, needs: string[], start: Start][] = [
  [
    "Envoy",
    ["envoy"],
    async (stack, clientCaFile) => stack.use(await startEnvoy({ tls: true, clientCaFile })),
  ],
  [
    "nghttpx",
    ["nghttpx", "squid"],
    async (stack, clientCaFile) =>
      stack.use(await startNghttpx(stack.use(await startSquid()), clientCaFile)),
  ],
];

for (const [name, needs, start] of PEERS) {
  Deno.test(
    `${name} takes our certificate, over HTTP/1.1 and HTTP/2, and none but ours`,
    requires(...needs, "openssl"),
    async () => {
      await using stack = new AsyncDisposableStack();
      const own = stack.adopt(
        await Deno.makeTempDir(),
        (folder) => Deno.remove(folder, { recursive: true }),
      );
      const other = stack.adopt(
        await Deno.makeTempDir(),
        (folder) => Deno.remove(folder, { recursive: true }),
      );
      const ours = await makeCertificate(own);
      const proxy = await start(stack, ours.caFile);
      const origin = stack.use(serveChargen(LENGTH));
      const url = `https://${proxy.authority}`;
      const caCerts = [await Deno.readTextFile(proxy.caFile)];
      const pairOf = async ({ caFile, keyFile }: { caFile: string; keyFile: string }) => ({
        clientCert: await Deno.readTextFile(caFile),
        clientKey: await Deno.readTextFile(keyFile),
      });
      for (const http of ["1.1", "2"] as const) {
        await using client = await connectProxy(url, { http, caCerts, ...await pairOf(ours) });
        const tunnel = await client.connect({ hostname: "127.0.0.1", port: origin.port });
        if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
        assertEquals(await readPattern(tunnel.readable), LENGTH);

        for (const pair of [{}, await pairOf(await makeCertificate(other))]) {
          assertMatch(await whyNot(url, { http, caCerts, ...pair }), /wants a client certificate/);
        }
      }
    },
  );
}

/** What the operator reads; over TLS 1.3 the refusal comes behind the handshake, with the first answer. */
async function whyNot(
  url: string,
  options: Parameters<typeof connectProxy>[1],
): Promise<string> {
  try {
    await using client = await connectProxy(url, options);
    const tunnel = await client.connect({ hostname: "127.0.0.1", port: 9 });
    return `it answered ${tunnel.status}`;
  } catch (error) {
    if (error instanceof ProxyError) return error.message;
    throw error;
  }
}

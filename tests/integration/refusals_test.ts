import { assert, assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { serveChargen } from "../support/origin.ts";
import {
  runClient,
  startClient,
  startEmbeddedProxy,
  startHttp3Proxy,
  startUp,
} from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");

/** What `connect` says inside. */
async function dial(namespace: Namespace, hostname: string, port = 9): Promise<string> {
  const { outcome } = await runClient<{ outcome: string }>(
    namespace,
    "dial",
    hostname,
    `${port}`,
  );
  return outcome;
}

Deno.test("a closed port is ECONNREFUSED, over IPv4 and IPv6", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using _up = await startUp(namespace, `http://${proxy.authority}`);
  assertEquals(await dial(namespace, addresses.ipv4), "ECONNREFUSED");
  assertEquals(await dial(namespace, addresses.ipv6), "ECONNREFUSED");
});

Deno.test(
  "a target that the proxy prohibits is EHOSTUNREACH over IPv4, EACCES over IPv6",
  NEEDS,
  async () => {
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    const routes = ["--route", "10.99.0.0/16", "--route", "fd99::/16"];
    await using _up = await startUp(namespace, `http://${proxy.authority}`, ...routes);
    assertEquals(await dial(namespace, "10.99.0.1"), "EHOSTUNREACH");
    assertEquals(await dial(namespace, "fd99::1"), "EACCES");
  },
);

Deno.test("without the token nothing is reached, and the operator hears of it", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using origin = serveChargen(10, addresses.ipv4);
  await using proxy = await startEmbeddedProxy("--plain", "--token", "right-and-secret");
  await using namespace = await createNamespace();
  await using up = await startUp(
    namespace,
    `http://${proxy.authority}`,
    "--token",
    "wrong-and-secret",
  );
  assertEquals(await dial(namespace, origin.hostname, origin.port), "EHOSTUNREACH");
  await up.waitFor(/407/);
  assert(!up.said().includes("and-secret"), "a secret reached the log");
  assert(!proxy.process.said().includes("and-secret"), "a secret reached the log");
});

Deno.test("a proxy that is gone is ENETUNREACH", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using _up = await startUp(namespace, `http://${proxy.authority}`);
  proxy.process.kill("SIGKILL");
  await proxy.process.status;
  assertEquals(await dial(namespace, addresses.ipv4), "ENETUNREACH");
});

/** What a program that reads without end sees when the proxy is killed under it. */
async function endOfKilled(proxyArgs: string[], upArgs: string[]): Promise<string> {
  await using addresses = await borrowAddresses();
  await using origin = serveChargen(2 ** 40, addresses.ipv4);
  await using proxy = await startEmbeddedProxy(...proxyArgs);
  await using namespace = await createNamespace();
  const scheme = proxyArgs.includes("--plain") ? "http" : "https";
  await using _up = await startUp(namespace, `${scheme}://${proxy.authority}`, ...upArgs);
  await using client = startClient(namespace, "read", origin.hostname, `${origin.port}`);
  await client.waitFor(/flowing/);
  proxy.process.kill("SIGKILL");
  const [, end] = await client.waitFor(/the end: (\w+)/);
  return end;
}

Deno.test(
  "a proxy killed in mid-transfer resets the flow, over HTTP/3, and the operator reads of it",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using origin = serveChargen(2 ** 40, addresses.ipv4);
    await using proxy = await startHttp3Proxy();
    await using namespace = await createNamespace();
    const options = ["--pin", proxy.pin!, "--http", "3", "--ping", "0.5,1"];
    await using up = await startUp(namespace, `https://${proxy.authority}`, ...options);
    await using client = startClient(namespace, "read", origin.hostname, `${origin.port}`);
    await client.waitFor(/flowing/);
    proxy.process.kill("SIGKILL"); // nobody says so over UDP: it is the silence that tells
    const [, end] = await client.waitFor(/the end: (\w+)/);
    assertEquals(end, "ECONNRESET");
    await up.waitFor(/does not answer any more: a connection of HTTP\/3 is given up/);
  },
);

for (const http of ["1.1", "2"]) {
  Deno.test(
    `a proxy killed in mid-transfer resets the flow, over HTTP/${http}`,
    NEEDS,
    async () => {
      assertEquals(await endOfKilled([], ["--insecure", "--http", http]), "ECONNRESET");
    },
  );
}

Deno.test("over HTTP/2 in the clear a killed proxy resets the flow too", NEEDS, async () => {
  assertEquals(await endOfKilled(["--plain"], ["--http", "2"]), "ECONNRESET");
});

Deno.test(
  "over HTTP/1.1 in the clear the kernel's FIN for a killed proxy is all there is to see",
  NEEDS,
  async () => {
    assertEquals(await endOfKilled(["--plain"], ["--http", "1.1"]), "FIN");
  },
);

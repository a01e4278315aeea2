import { assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveEcho } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");
const CONNECTIONS = 1000;
const LENGTH = 10_000;

for (const http of ["1.1", "2"]) {
  Deno.test(`a thousand connections at once keep apart, over HTTP/${http}`, NEEDS, async () => {
    await using addresses = await borrowAddresses();
    await using origin = serveEcho(addresses.ipv4);
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
    const numbers = [origin.port, CONNECTIONS, LENGTH].map(String);
    assertEquals(
      await runClient(namespace, "many", origin.hostname, ...numbers),
      { connections: CONNECTIONS, bytes: CONNECTIONS * LENGTH },
    );
  });
}

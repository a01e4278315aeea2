import { assertEquals } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen, serveDiscard, serveHttp } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun", "curl");
const GIBIBYTE = 2 ** 30;
const HELLO = "hello from the origin\n";

Deno.test("curl reaches an origin over IPv4 and IPv6", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using _up = await startUp(namespace, `http://${proxy.authority}`);
  for (const address of [addresses.ipv4, addresses.ipv6]) {
    await using origin = serveHttp(address);
    const ran = await namespace.run("curl", "-sS", "-m", "10", `http://${origin.authority}/`);
    assertEquals(ran, { code: 0, stdout: HELLO, stderr: "" });
  }
});

for (const http of ["1.1", "2"]) {
  const name = `a gibibyte passes each way unharmed, over HTTP/${http}`;
  Deno.test(name, NEEDS, async () => {
    await using addresses = await borrowAddresses();
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    await using _up = await startUp(namespace, `http://${proxy.authority}`, "--http", http);
    await using source = serveChargen(GIBIBYTE, addresses.ipv4);
    await using sink = serveDiscard(addresses.ipv4);
    assertEquals(
      await runClient(namespace, "download", source.hostname, `${source.port}`),
      { length: GIBIBYTE },
    );
    assertEquals(
      await runClient(namespace, "upload", sink.hostname, `${sink.port}`, `${GIBIBYTE}`),
      { answer: `${GIBIBYTE}` },
    );
  });
}

Deno.test("without offload every byte passes too", NEEDS, async () => {
  const length = 64 * 2 ** 20;
  await using addresses = await borrowAddresses();
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using _up = await startUp(namespace, `http://${proxy.authority}`, "--no-offload");
  await using source = serveChargen(length, addresses.ipv6);
  await using sink = serveDiscard(addresses.ipv6);
  assertEquals(
    await runClient(namespace, "download", source.hostname, `${source.port}`),
    { length },
  );
  assertEquals(
    await runClient(namespace, "upload", sink.hostname, `${sink.port}`, `${length}`),
    { answer: `${length}` },
  );
});

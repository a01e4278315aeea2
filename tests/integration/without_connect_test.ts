/**
 * The roads without CONNECT, under programs on the real kernel: connect-tcp, and POST by `fetch`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { DEFAULT_TCP_PATH } from "../../src/masque/uri_template.ts";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen, serveDiscard } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun");

const LENGTH = 64 << 20;

for (
  const [name, ...args] of [
    [
      "connect-tcp over HTTP/1.1",
      "--http",
      "1.1",
      "--tcp-template",
      "http://PROXY" + DEFAULT_TCP_PATH,
    ],
    ["connect-tcp over HTTP/2", "--http", "2", "--tcp-template", "http://PROXY" + DEFAULT_TCP_PATH],
    ["fetch", "--http", "fetch"],
  ]
) {
  Deno.test(`64 MiB pass each way unharmed, by ${name}`, NEEDS, async () => {
    await using addresses = await borrowAddresses();
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    const options = args.map((word) => word.replace("PROXY", proxy.authority));
    await using _up = await startUp(namespace, `http://${proxy.authority}`, ...options);
    await using source = serveChargen(LENGTH, addresses.ipv4);
    await using sink = serveDiscard(addresses.ipv6);
    assertEquals(
      await runClient(namespace, "download", source.hostname, `${source.port}`),
      { length: LENGTH },
    );
    assertEquals(
      await runClient(namespace, "upload", sink.hostname, `${sink.port}`, `${LENGTH}`),
      { answer: `${LENGTH}` },
    );
  });
}

/**
 * Roads on the kernel: a network that changes, and a chain on the command line.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { serveProxy } from "../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../src/sockets/libc.ts";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { serveChargen } from "../support/origin.ts";
import { runClient, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

ffiIsUsable(); // loads the C library once, for all tests

const PROGRAM = new URL("../support/road_program.ts", import.meta.url).pathname;
/** A cold start of Deno, and the two seconds in which a change is noticed, on a busy machine. */
const PATIENCE_MS = 30_000;

Deno.test(
  "a new address is noticed, the flow from the old one ends, and the next takes a new connection",
  requires("netns"),
  async () => {
    const net = `198.18.${crypto.getRandomValues(new Uint8Array(1))[0]}`;
    await using namespace = await createNamespace({
      veth: { inside: [`${net}.2/24`], outside: [`${net}.1/24`] },
    });
    using origin = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const held: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of origin) held.push(connection);
    })();
    await using proxy = await serveProxy({
      hostname: `${net}.1`,
      tls: false,
      allow: ["127.0.0.0/8"],
    });
    const program = namespace.start(
      Deno.execPath(),
      ...["run", "-A", "--no-config", PROGRAM],
      ...[proxy.url, "127.0.0.1", `${origin.addr.port}`],
    );
    await program.waitFor(/open, at/, PATIENCE_MS);
    assertEquals(proxy.flows, 1);
    const address = (...words: string[]) =>
      runTool("ip", "-n", namespace.name, "address", ...words, "dev", namespace.insideInterface);
    await address("add", `${net}.3/24`);
    await address("delete", `${net}.2/24`);
    // The kernel takes the second address of a network away with the first, unless told otherwise.
    await address("replace", `${net}.3/24`);
    await program.waitFor(/The network has changed/, PATIENCE_MS);
    await program.waitFor(/ended by reset/, PATIENCE_MS);
    await program.waitFor(/open, at[^]*open, at/, PATIENCE_MS);
    await program[Symbol.asyncDispose]();
    origin.close();
    await accepting.catch(() => {});
    for (const connection of held) connection.close();
  },
);

Deno.test(
  "up through two proxies: each takes its own token, and neither hears of the other's",
  requires("netns", "tun"),
  async () => {
    await using addresses = await borrowAddresses();
    await using origin = serveChargen(100_000, addresses.ipv4);
    const secrets = ["near-s3cret", "far-s3cret"];
    const loopback = ["--allow", "127.0.0.0/8", "--log", "debug"];
    await using near = await startEmbeddedProxy("--token", secrets[0], ...loopback);
    await using far = await startEmbeddedProxy("--plain", "--token", secrets[1], ...loopback);
    await using namespace = await createNamespace();
    const first = ["--insecure", "--token", secrets[0]];
    const second = ["--proxy", `http://${far.authority}`, "--token", secrets[1], "--http", "2"];
    const url = `https://${near.authority}`;
    await using up = await startUp(namespace, url, ...first, ...second);
    const where = [origin.hostname, `${origin.port}`];
    assertEquals(await runClient(namespace, "download", ...where), { length: 100_000 });
    await far.process.waitFor(new RegExp(`asks for ${origin.authority}`));
    await near.process.waitFor(new RegExp(`asks for ${far.authority}`));
    assert(!near.process.said().includes(origin.authority), "the first proxy knows the target");
    for (const { process } of [near, far]) assert(!/s3cret/.test(process.said()));
    assert(/by way of/.test(up.said()) && !/s3cret/.test(up.said()), up.said());
  },
);

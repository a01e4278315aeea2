import { assert, assertEquals, assertMatch } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { serveCheckout } from "../support/checkout.ts";
import { createNamespace } from "../support/netns.ts";
import { serveEcho, serveHttp } from "../support/origin.ts";
import { type Process, startProcess } from "../support/process.ts";
import {
  runClient,
  runUdpClient,
  startClient,
  startEmbeddedProxy,
  startEmbeddedProxyKnowing,
  startPseudoTcp,
  startUp,
} from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";
import { serveDatagrams } from "../support/udp_servers.ts";

const NEEDS = requires("netns", "tun");
const NEEDS_CURL = requires("netns", "tun", "unshare", "curl");
const RESOLVER = "198.18.0.2";
const HELLO = "hello from the origin\n";
const TWO = ["--workers", "2"];

/** Waits until each of two workers has told of a flow. */
async function bothWork(up: Process): Promise<void> {
  await up.waitFor(/worker 1: flow .* is open/);
  await up.waitFor(/worker 2: flow .* is open/);
}

for (const http of ["1.1", "2"]) {
  Deno.test(
    `two workers share connections, and each byte comes back, over HTTP/${http}`,
    NEEDS,
    async () => {
      await using addresses = await borrowAddresses();
      await using origin = serveEcho(addresses.ipv4);
      await using proxy = await startEmbeddedProxy("--plain");
      await using namespace = await createNamespace();
      const url = `http://${proxy.authority}`;
      await using up = await startUp(namespace, url, ...TWO, "--http", http, "--log", "debug");
      assertMatch(up.said(), /^ready tun0 in \S+ .* 2 workers, through /m);
      assertEquals(
        await runClient(namespace, "many", origin.hostname, `${origin.port}`, "200", "10000"),
        { connections: 200, bytes: 200 * 10_000 },
      );
      await bothWork(up);
    },
  );
}

Deno.test("all workers know the same names", NEEDS_CURL, async () => {
  await using addresses = await borrowAddresses();
  await using origin = serveHttp(addresses.ipv4);
  await using proxy = await startEmbeddedProxyKnowing(
    { "origin.test": addresses.ipv4 },
    "--plain",
  );
  await using namespace = await createNamespace({ resolver: RESOLVER });
  const url = `http://${proxy.authority}`;
  await using up = await startUp(namespace, url, ...TWO, "--log", "debug");
  // Each try asks anew, from another port, and connects from another one.
  for (let i = 0; i < 20; i++) {
    const curl = ["curl", "-sS", "-m", "10", `http://origin.test:${origin.port}/`] as const;
    assertEquals(await namespace.run(...curl), { code: 0, stdout: HELLO, stderr: "" });
  }
  await bothWork(up);
  const { outcome } = await runClient(namespace, "dial", "no-such-host.test", "80");
  assertEquals(outcome, "EHOSTUNREACH");
});

Deno.test(
  "datagrams in fragments go to the worker that has the others of their flow",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using ipv4 = await serveDatagrams(addresses.ipv4);
    await using ipv6 = await serveDatagrams(addresses.ipv6);
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    const url = `http://${proxy.authority}`;
    await using up = await startUp(namespace, url, ...TWO, "--udp-bind", "off", "--log", "debug");
    const sockets = 20; // so many that all by chance on one worker are out of the question
    for (let i = 0; i < sockets; i++) {
      const { hostname, port } = i % 2 === 0 ? ipv4 : ipv6;
      const lengths = ["60000", "100", "1473"];
      await runUdpClient(namespace, "echo", hostname, port, ...lengths);
    }
    await bothWork(up);
    up.kill("SIGTERM");
    await up.status; // what a worker has said is on the terminal by then
    const opened = up.said().match(/flow \d+: UDP .* is open/g);
    assertEquals(opened?.length, sockets, "one association for each socket");
  },
);

Deno.test(
  "RFC 4787, REQ-1: all see one address of a program's port, whichever worker has it",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    const seen = (_: Uint8Array, { address, port }: { address: string; port: number }) =>
      `${address} ${port}`;
    await using origins = new AsyncDisposableStack();
    const servers = [];
    for (let i = 0; i < 6; i++) {
      servers.push(origins.use(await serveDatagrams(addresses.ipv4, seen)));
    }
    await using proxy = await startEmbeddedProxy("--plain", "--bind", addresses.ipv4);
    await using namespace = await createNamespace();
    await using _up = await startUp(namespace, `http://${proxy.authority}`, ...TWO);
    for (let i = 0; i < 3; i++) {
      const places = servers.flatMap(({ hostname, port }) => [hostname, port]);
      const { answers } = await runUdpClient<{ answers: string[] }>(namespace, "seen", ...places);
      assertEquals(new Set(answers).size, 1, answers.join());
    }
  },
);

Deno.test("up with workers ends them all, and leaves nothing behind", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using origin = serveEcho(addresses.ipv4);
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  const links = () => runTool("ip", "-n", namespace.name, "-o", "link");
  const before = await links();
  await using up = await startUp(namespace, `http://${proxy.authority}`, "--workers", "3");
  assertMatch(await links(), /tun0/);
  const client = startClient(namespace, "hold", origin.hostname, `${origin.port}`, "20");
  await client.waitFor(/open/);
  up.kill("SIGTERM");
  assertEquals((await up.status).code, 0, up.said());
  assertEquals(await links(), before);
  assertEquals((await client.status).code, 0);
  assertMatch(client.said(), /"ECONNRESET":20/);
});

Deno.test("a device that is taken away ends up with one sentence", NEEDS, async () => {
  await using proxy = await startEmbeddedProxy("--plain");
  await using namespace = await createNamespace();
  await using up = await startUp(namespace, `http://${proxy.authority}`, ...TWO);
  await runTool("ip", "-n", namespace.name, "link", "delete", "tun0");
  assertEquals((await up.status).code, 1);
  assertMatch(up.said(), /\nerror The device "tun0" is gone\n$/);
});

Deno.test("workers start from a URL, too", NEEDS, async () => {
  const server = serveCheckout();
  const folder = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    await using namespace = await createNamespace();
    const mod = `http://127.0.0.1:${server.addr.port}/mod.ts`;
    const run = ["run", "-A", "--quiet", "--no-config", mod];
    const up = ["up", "--proxy", "embedded", "--netns", namespace.name, ...TWO];
    await using process = startProcess(Deno.execPath(), [...run, ...up], {
      cwd: folder,
      env: { DENO_DIR: `${folder}/cache` },
    });
    await process.waitFor(/^ready .* 2 workers/m, 30_000);
    process.kill("SIGINT");
    assertEquals((await process.status).code, 0, process.said());
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what workers cannot do is said in one line", NEEDS, async () => {
  for (
    const [words, why] of [
      [["--workers", "0"], /^Option --workers does not take "0": give a number from 1 to 64$/],
      [["--workers", "two"], /^Option --workers does not take "two": /],
      [[...TWO, "--pcap", "/tmp/x"], /^Options --workers and --pcap exclude each other/],
      [[...TWO, "--tun-fd", "3"], /^Options --workers and --tun-fd exclude each other/],
    ] as const
  ) {
    await using up = startPseudoTcp("up", "--proxy", "embedded", ...words);
    assertEquals((await up.status).code, 2);
    assertMatch(up.said().trim(), why);
  }
  await using up = startPseudoTcp("run", "--proxy", "embedded", ...TWO, "--", "true");
  assertEquals((await up.status).code, 2);
  assert(up.said().includes("--workers"), up.said());
});

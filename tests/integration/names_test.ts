import { assertEquals, assertMatch } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { createNamespace } from "../support/netns.ts";
import { nobodysPlace } from "../support/nobody.ts";
import { serveHttp } from "../support/origin.ts";
import { startProcess } from "../support/process.ts";
import {
  commandLine,
  runClient,
  startEmbeddedProxy,
  startEmbeddedProxyKnowing,
  startUp,
} from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";

const NEEDS = requires("netns", "tun", "unshare", "curl", "dig");
const UNPRIVILEGED = requires("netns", "tun", "userns", "unshare", "setpriv", "curl");
const HELLO = "hello from the origin\n";
const RESOLVER = "198.18.0.2";

Deno.test("curl reaches an origin by a name that only the proxy knows", NEEDS, async () => {
  await using addresses = await borrowAddresses();
  await using origin = serveHttp(addresses.ipv4);
  await using proxy = await startEmbeddedProxyKnowing(
    { "origin.test": addresses.ipv4 },
    "--plain",
  );
  await using namespace = await createNamespace({ resolver: RESOLVER });
  await using _up = await startUp(namespace, `http://${proxy.authority}`);
  const url = `http://origin.test:${origin.port}/`;
  // Also over IPv6, which the origin does not have: what travels is the name.
  for (const family of ["-4", "-6"]) {
    const ran = await namespace.run("curl", "-sS", "-m", "10", family, url);
    assertEquals(ran, { code: 0, stdout: HELLO, stderr: "" }, family);
  }
});

Deno.test(
  "dig gets made-up addresses over UDP and TCP, and no data for the rest",
  NEEDS,
  async () => {
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace({ resolver: RESOLVER });
    await using _up = await startUp(namespace, `http://${proxy.authority}`);
    for (const transport of ["+notcp", "+tcp"]) {
      const dig = async (type: string) => {
        const { stdout } = await namespace.run("dig", transport, "+short", "origin.test", type);
        return stdout.trim();
      };
      assertMatch(await dig("A"), /^198\.1[89]\.\d+\.\d+$/);
      assertMatch(await dig("AAAA"), /^fd70:3c7b:a352:/);
      assertEquals(await dig("TXT"), "");
    }
    const { stdout } = await namespace.run("dig", "origin.test", "TXT");
    assertMatch(stdout, /status: NOERROR/);
  },
);

Deno.test("a name that the proxy cannot find is EHOSTUNREACH", NEEDS, async () => {
  await using proxy = await startEmbeddedProxyKnowing({ "origin.test": "192.0.2.1" }, "--plain");
  await using namespace = await createNamespace({ resolver: RESOLVER });
  await using _up = await startUp(namespace, `http://${proxy.authority}`);
  const { outcome } = await runClient(namespace, "dial", "no-such-host.test", "80");
  assertEquals(outcome, "EHOSTUNREACH");
});

Deno.test(
  "run carries the curl of a user without privilege, by name and address",
  UNPRIVILEGED,
  async () => {
    await using addresses = await borrowAddresses();
    await using place = await nobodysPlace();
    await using proxy = await startEmbeddedProxyKnowing(
      { "origin.test": addresses.ipv6 },
      "--plain",
    );
    for (const host of ["origin.test", addresses.ipv4, `[${addresses.ipv6}]`]) {
      await using origin = serveHttp(host === addresses.ipv4 ? addresses.ipv4 : addresses.ipv6);
      const curl = ["curl", "-sS", "-m", "10", `http://${host}:${origin.port}/`];
      const run = ["run", "--proxy", `http://${proxy.authority}`, "--", ...curl];
      const [, ...words] = commandLine(...run);
      const [command, ...rest] = place.command("deno", ...words);
      await using process = startProcess(command, rest);
      assertEquals((await process.status).code, 0, process.said());
      assertEquals(process.said(), HELLO, host);
    }
  },
);

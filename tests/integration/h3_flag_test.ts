import { assertEquals, assertMatch } from "@std/assert";
import { startProcess } from "../support/process.ts";
import { requires } from "../support/requires.ts";

const MOD = new URL("../../mod.ts", import.meta.url).pathname;

/** The command line as somebody has it who runs it by URL: without the checkout's `deno.json`, and so without QUIC. */
function startWithoutQuic(...args: string[]) {
  const options = ["run", "--no-config", "--no-check", "--allow-all", MOD];
  return startProcess(Deno.execPath(), [...options, ...args], { env: { NO_COLOR: "1" } });
}

Deno.test("without --unstable-net, HTTP/3 is refused with what to do", async () => {
  await using asked = startWithoutQuic(
    ...["run", "--proxy", "https://127.0.0.1:9", "--http", "3", "--", "true"],
  );
  assertEquals((await asked.status).code, 2);
  assertMatch(asked.said(), /Cannot speak HTTP\/3: .*start it with --unstable-net/);
});

Deno.test("without --unstable-net, the proxy says once that it serves no HTTP/3, and serves", async () => {
  await using proxy = startWithoutQuic("proxy", "--listen", "127.0.0.1:0");
  await proxy.waitFor(/listening https:/);
  assertEquals(proxy.said().match(/serves no HTTP\/3/g)?.length, 1);
  assertMatch(proxy.said(), /start it with --unstable-net/);
});

Deno.test(
  "without --unstable-net, auto says so once and goes on with HTTP/2",
  requires("tun", "userns"),
  async () => {
    await using proxy = startWithoutQuic("proxy", "--listen", "127.0.0.1:0");
    const [, url, pin] = await proxy.waitFor(/listening (\S+) --pin (\S+)/);
    await using run = startWithoutQuic(
      "run",
      "--proxy",
      url,
      "--pin",
      pin,
      "--log",
      "info",
      "--",
      "true",
    );
    assertEquals((await run.status).code, 0, run.said());
    assertEquals(
      run.said().match(/HTTP\/3 is not tried: .*start it with --unstable-net/g)?.length,
      1,
    );
    assertMatch(run.said(), /ready \S+, through \S+ \(HTTP\/2\)/);
  },
);

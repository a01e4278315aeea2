import { assert, assertEquals, assertMatch } from "@std/assert";
import { createNamespace } from "../support/netns.ts";
import { startProcess } from "../support/process.ts";
import { commandLine, startPseudoTcp } from "../support/pseudotcp.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

const inNamespace = requires("tun", "userns", "sh");
const asRoot = requires("root", "tun", "netns", "ip");
const onLoopback = requires();

/** What a command line says, and how it ends. */
async function outcome(...args: string[]): Promise<{ code: number; said: string }> {
  await using process = startPseudoTcp(...args);
  const { code } = await process.status;
  return { code, said: process.said().trim() };
}

Deno.test("run passes the status of its command", inNamespace, async () => {
  const run = (...command: string[]) => outcome("run", "--proxy", "embedded", "--", ...command);
  assertEquals(await run("true"), { code: 0, said: "" });
  assertEquals((await run("sh", "-c", "exit 7")).code, 7);
  assertEquals((await run("sh", "-c", "kill -TERM $$")).code, 143);
  const none = await run("no-such-program");
  assertEquals(none.code, 127);
  assertMatch(none.said, /no-such-program/);
});

Deno.test("run passes a signal on to its command", inNamespace, async () => {
  const script = "trap 'echo asked to end; exit 5' TERM; echo started; while :; do sleep 0.1; done";
  await using process = startPseudoTcp("run", "--proxy", "embedded", "--", "sh", "-c", script);
  await process.waitFor(/started/);
  process.kill("SIGTERM");
  assertEquals((await process.status).code, 5);
  assertMatch(process.said(), /asked to end/);
});

Deno.test(
  "run answers names, and says each packet and flow when asked to",
  inNamespace,
  async () => {
    const pcap = await Deno.makeTempFile();
    try {
      const looks = ["--log", "trace", "--pcap", pcap];
      const command = ["sh", "-c", "getent ahostsv4 www.example.test; cat /etc/resolv.conf"];
      const { code, said } = await outcome(
        "run",
        "--proxy",
        "embedded",
        ...looks,
        "--",
        ...command,
      );
      assertEquals(code, 0, said);
      assertMatch(said, /^198\.18\.0\.3 +STREAM/m);
      assertMatch(said, /^nameserver 198\.18\.0\.2$/m);
      assertMatch(
        said,
        /^trace --> 198\.18\.0\.1:\d+ > 198\.18\.0\.2:53 UDP, .* www\.example\.test/m,
      );
      assertMatch(said, /^trace <-- 198\.18\.0\.2:53 > .* NOERROR with 1 record$/m);
      const recorded = await Deno.readFile(pcap);
      assertEquals([...recorded.subarray(0, 4)], [0x0a, 0x0d, 0x0d, 0x0a], "no pcapng");
    } finally {
      await Deno.remove(pcap);
    }
  },
);

Deno.test("run keeps the secrets of the environment to itself", inNamespace, async () => {
  await using proxy = startPseudoTcp("proxy", "--listen", "127.0.0.1:0", "--token", "s3cret");
  const [, url, pin] = await proxy.waitFor(/^listening (\S+) --pin (\S+)$/m);
  const [command, ...words] = commandLine("run", "--proxy", url, "--pin", pin, "--log", "trace");
  await using process = startProcess(command, [...words, "--", "sh", "-c", "env; echo done"], {
    env: { PSEUDOTCP_TOKEN: "s3cret" },
  });
  assertEquals((await process.status).code, 0);
  assertMatch(process.said(), /^done$/m);
  assert(!process.said().includes("s3cret"), process.said());
});

Deno.test("up says that it is ready, and leaves nothing behind", asRoot, async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using netns = await createNamespace();
    const look = async () => [
      await runTool("ip", "-n", netns.name, "-o", "link"),
      await runTool("ip", "-n", netns.name, "route", "show", "table", "all"),
      await runTool("ip", "-n", netns.name, "-6", "route", "show", "table", "all"),
      await runTool("ip", "-n", netns.name, "rule"),
    ];
    const before = await look();
    const place = ["--netns", netns.name, "--tun", "ptcp1", "--mtu", "1400"];
    const routes = ["--route", "203.0.113.0/24", "--route", "2001:db8::/32"];
    await using up = startPseudoTcp("up", "--proxy", "embedded", ...place, ...routes);
    const [ready] = await up.waitFor(/^ready .*$/m);
    assertMatch(ready, /^ready ptcp1 in \S+ 198\.18\.0\.1\/15 fd70:3c7b:a352::1\/64 mtu 1400/);
    const during = await look();
    assertMatch(during[1], /203\.0\.113\.0\/24 dev ptcp1/);
    assert(!during[1].includes("default"), "only the routes asked for");
    up.kill(signal);
    assertEquals((await up.status).code, 0);
    assertEquals(await look(), before);
  }
});

Deno.test("up says in one line why it cannot, and ends with 1", asRoot, async () => {
  const { code, said } = await outcome("up", "--proxy", "embedded", "--netns", "no-such-place");
  assertEquals(code, 1);
  assertMatch(said, /^[^\n]*no-such-place[^\n]*$/);
});

Deno.test(
  "a proxy that is not there, or is another one, is said in one line",
  onLoopback,
  async () => {
    await using proxy = startPseudoTcp("proxy", "--listen", "127.0.0.1:0");
    const [, url] = await proxy.waitFor(/^listening (\S+)/m);
    const wrong = await outcome("run", "--proxy", url, "--pin", "00".repeat(32), "--", "true");
    assertEquals(wrong.code, 1);
    assertMatch(wrong.said, /^[^\n]*https:\/\/127\.0\.0\.1:\d+[^\n]*certificate[^\n]*$/);
    proxy.kill("SIGTERM");
    assertEquals((await proxy.status).code, 0);
    const gone = await outcome("run", "--proxy", url, "--insecure", "--", "true");
    assertEquals(gone.code, 1);
    assertMatch(gone.said, /^[^\n]*https:\/\/127\.0\.0\.1:\d+[^\n]*$/);
  },
);

Deno.test("what no road can do is one sentence and status 2", onLoopback, async () => {
  const near = ["run", "--proxy", "https://127.0.0.1:9"];
  const cases = [
    [
      [...near, "--proxy", "https://127.0.0.1:9", "--http", "fetch"],
      /^Only the first proxy of a chain can be spoken to by --http fetch$/,
    ],
    [[...near, "--http", "3", "--insecure"], /^Cannot speak HTTP\/3: .*pin the certificate.*$/],
    [
      ["run", "--proxy", "http://127.0.0.1:9", "--http", "3"],
      /^Cannot speak HTTP\/3: .*write the proxy's URL with https:\/\/$/,
    ],
  ] as const;
  for (const [words, sentence] of cases) {
    const { code, said } = await outcome(...words, "--", "true");
    assertEquals(code, 2);
    assertMatch(said, sentence);
  }
});

Deno.test("a port that is taken is said in one line", onLoopback, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = `127.0.0.1:${listener.addr.port}`;
  const { code, said } = await outcome("proxy", "--listen", taken, "--plain");
  assertEquals(code, 1);
  assert(said !== "" && !said.includes("\n"), said);
});

Deno.test(
  "bad options end with 2, and --pcap is looked at before anything is opened",
  onLoopback,
  async () => {
    assertEquals((await outcome("up", "--nonsense")).code, 2);
    const { code, said } = await outcome(
      "run",
      "--proxy",
      "embedded",
      "--pcap",
      "/no/where",
      "--",
      "true",
    );
    assertEquals(code, 2);
    assertMatch(said, /^Option --pcap cannot write "\/no\/where"/);
  },
);

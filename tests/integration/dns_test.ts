import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { borrowAddresses } from "../support/addresses.ts";
import { CERT } from "../support/certificate.ts";
import { serveDns } from "../support/dns_server.ts";
import { type FarServers, farZone } from "../support/far_servers.ts";
import { createNamespace, type Namespace } from "../support/netns.ts";
import { commandLine, startEmbeddedProxy, startUp } from "../support/pseudotcp.ts";
import { startTinyproxy } from "../support/proxies.ts";
import { requires } from "../support/requires.ts";
import { runTool } from "../support/tools.ts";

const NEEDS = requires("netns", "tun", "unshare", "ip", "curl", "dig", "tcpdump");
const HELLO = "hello from the origin\n";

/**
 * The machine with the program, and behind a cable the one with the proxy and everything else; only that one has the address of the origin
 * and the DNS server.
 */
const PLACES = {
  IPv4: { home: "10.99.0.1", far: "10.99.0.2", target: "198.51.100.7", prefix: 30 },
  IPv6: { home: "fd99::1", far: "fd99::2", target: "2001:db8:51::7", prefix: 64 },
} as const;
const TARGET = PLACES.IPv4.target;

/** Two machines, a proxy on the far one. */
interface World extends AsyncDisposable {
  readonly home: Namespace;
  readonly proxyPort: number;
  readonly servers: FarServers;
  /** Runs `pseudotcp run OPTIONS -- COMMAND` at home. */
  run(options: readonly string[], ...command: string[]): ReturnType<Namespace["run"]>;
}

async function createWorld(family: keyof typeof PLACES = "IPv4"): Promise<World> {
  const { target, prefix, ...place } = PLACES[family];
  const at = bracketed(place.far);
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await createNamespace());
  const far = stack.use(await createNamespace());
  const link = ["link", "add", "cable", "netns", home.name, "type", "veth"];
  await runTool("ip", ...link, "peer", "name", "cable", "netns", far.name);
  for (const [{ name }, address] of [[home, place.home], [far, place.far]] as const) {
    const words = ["address", "add", `${address}/${prefix}`, "dev", "cable", ...nodad(address)];
    await runTool("ip", "-n", name, ...words);
    await runTool("ip", "-n", name, "link", "set", "cable", "up");
  }
  await runTool("ip", "-n", far.name, "address", "add", target, "dev", "lo", ...nodad(target));
  // So that whatever leaked would find its way out, and be seen.
  await runTool("ip", "-n", home.name, "route", "add", "default", "via", place.far);
  // The far machine's own /etc/hosts, which `ip netns exec` lays over the other: with --dns fake the proxy resolves.
  const etc = `/etc/netns/${far.name}`;
  await Deno.mkdir(etc, { recursive: true });
  stack.defer(() => Deno.remove(etc, { recursive: true }));
  await Deno.writeTextFile(`${etc}/hosts`, `127.0.0.1 localhost\n${target} origin.test\n`);

  const script = new URL("../support/far_servers.ts", import.meta.url).pathname;
  const servers = far.start(Deno.execPath(), "run", "-A", script, target);
  const allow = ["127.0.0.0/8", "::1/128", target].flatMap((cidr) => ["--allow", cidr]);
  const proxy = far.start(
    ...commandLine("proxy", "--listen", `${at}:0`, "--plain", ...allow),
  );
  const [line] = await servers.waitFor(/^\{.*\}$/m, 20_000);
  const [, port] = await proxy.waitFor(/^listening \S+:(\d+)/m, 20_000);
  const authority = await Deno.makeTempFile({ prefix: "pseudotcp-ca-" });
  stack.defer(() => Deno.remove(authority));
  await Deno.writeTextFile(authority, CERT);
  const all = stack.move();
  return {
    home,
    proxyPort: Number(port),
    servers: JSON.parse(line),
    run: (options, ...command) => {
      const words = ["run", "--proxy", `http://${at}:${port}`, ...options, "--", ...command];
      return home.run(
        "env",
        `DENO_CERT=${authority}`,
        "DENO_NO_UPDATE_CHECK=1",
        ...commandLine(...words),
      );
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** An address that is still being looked for on the link cannot be used. */
function nodad(address: string): string[] {
  return address.includes(":") ? ["nodad"] : [];
}

/** An address as it stands before a port. */
function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Every packet that the machine `at` sends or receives while `act` runs, as lines of tcpdump. */
async function captured(at: Namespace, act: () => Promise<void>): Promise<string[]> {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  try {
    const tcpdump = at.start(
      "tcpdump",
      "--immediate-mode",
      "-i",
      "any",
      "-U",
      "-n",
      "-w",
      path,
      "-Z",
      "root",
    );
    await tcpdump.waitFor(/listening on any/, 10_000);
    await act();
    tcpdump.kill("SIGINT");
    await tcpdump.status;
    return (await runTool("tcpdump", "-n", "-r", path)).trim().split("\n");
  } finally {
    await Deno.remove(path);
  }
}

for (const family of ["IPv4", "IPv6"] as const) {
  Deno.test(
    `with no mode of DNS does a packet leave but to the proxy, over ${family}`,
    NEEDS,
    async () => {
      await using world = await createWorld(family);
      const { home, far, target } = PLACES[family];
      const { http, doh } = world.servers;
      const named = `http://origin.test:${http}/`;
      const modes = [
        { options: ["--dns", "fake"], url: named },
        { options: ["--dns", "doh", "--doh", doh], url: named },
        { options: ["--dns", "tunnel", "--nameserver", target], url: named },
        { options: ["--dns", "off"], url: `http://${bracketed(target)}:${http}/` },
      ];
      const isProxys = (line: string) =>
        line.includes(` ${home}.`) && line.includes(` ${far}.${world.proxyPort}`);
      const isNeighbours = (line: string) => /ARP|ICMP6, (?:neighbor|router|multicast)/.test(line);
      const leaked = (lines: string[]) =>
        lines.filter((line) => !isProxys(line) && !isNeighbours(line));
      for (const { options, url } of modes) {
        const mode = options[1];
        const lines = await captured(world.home, async () => {
          const ran = await world.run(options, "curl", "-sS", "-m", "10", url);
          assertEquals(ran, { code: 0, stdout: HELLO, stderr: "" }, mode);
        });
        assert(lines.filter(isProxys).length >= 10, `${mode}: ${lines.length} packets`);
        assertEquals(leaked(lines), [], mode);
      }
      // And the capture does see what goes around.
      const lines = await captured(world.home, async () => {
        await world.home.run("dig", "+tries=1", `@${target}`, "origin.test");
      });
      assert(leaked(lines).length >= 2, lines.join("\n"));
    },
  );
}

Deno.test(
  "dig gets by HTTPS what the servers say: long answers, TCP, every type",
  NEEDS,
  async () => {
    await using world = await createWorld();
    const dig = async (script: string, ...options: string[]) => {
      const doh = ["--dns", "doh", "--doh", world.servers.doh, ...options];
      const { code, stdout, stderr } = await world.run(doh, "sh", "-c", script);
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    };
    // Whichever server it believes in.
    assertEquals(
      await dig("dig +short origin.test; dig +short @8.8.8.8 six.test AAAA"),
      `${TARGET}\n2001:db8::6\n`,
    );
    const texts = await dig(`
    dig +notcp +ignore +bufsize=4096 large.test TXT
    echo ====; dig +notcp +ignore +bufsize=1232 large.test TXT
    echo ====; dig +notcp +ignore +noedns large.test TXT
    echo ====; dig +bufsize=4096 huge.test TXT
    echo ====; dig +tcp large.test TXT
  `);
    const [edns, small, plain, huge, tcp] = texts.split("====");
    const strings = (text: string) => text.match(/"[xy]{200}"/g)?.length ?? 0;
    assertEquals([edns, small, plain, huge, tcp].map(strings), [15, 0, 0, 100, 15]);
    for (const cut of [small, plain]) assertMatch(cut, /flags: qr tc rd/);
    assertStringIncludes(huge, "Truncated, retrying in TCP mode");
    assertStringIncludes(edns, "EDNS: version: 0");
    const missing = await dig(
      "dig nowhere.test; dig origin.test HTTPS; dig +short a.onion; dig +short six.test AAAA",
      "--no-ipv6",
    );
    assertMatch(missing, /status: NXDOMAIN[\s\S]*status: NOERROR/);
    assert(!missing.includes("2001:db8::6"));
  },
);

Deno.test(
  "a hosts file is answered in every mode, and the flow goes to its address",
  NEEDS,
  async () => {
    await using world = await createWorld();
    const hosts = await Deno.makeTempFile({ prefix: "pseudotcp-hosts-" });
    try {
      await Deno.writeTextFile(hosts, `${TARGET} printer.test copier\n`);
      const { http, doh } = world.servers;
      const modes = [["fake"], ["doh", "--doh", doh], ["tunnel", "--nameserver", "192.0.2.53"]];
      for (const mode of modes) {
        const script =
          `curl -sS -m 10 http://copier:${http}/; dig +short -x ${TARGET}; dig +short copier`;
        const ran = await world.run(["--dns", ...mode, "--hosts", hosts], "sh", "-c", script);
        assertEquals(
          ran,
          { code: 0, stdout: `${HELLO}printer.test.\n${TARGET}\n`, stderr: "" },
          mode[0],
        );
      }
    } finally {
      await Deno.remove(hosts);
    }
  },
);

Deno.test(
  "with tunnel the server that dig names is asked, by datagrams and over TCP",
  NEEDS,
  async () => {
    await using addresses = await borrowAddresses();
    await using server = await serveDns(farZone(addresses.ipv4), addresses.ipv4);
    await using proxy = await startEmbeddedProxy("--plain");
    await using namespace = await createNamespace();
    await using _up = await startUp(namespace, `http://${proxy.authority}`, "--dns", "tunnel");
    const dig = async (...words: string[]) => {
      const { stdout } = await namespace.run("dig", `@${addresses.ipv4}`, ...words);
      return stdout;
    };
    assertEquals(await dig("+short", "origin.test"), `${addresses.ipv4}\n`);
    assertEquals(await dig("+short", "+tcp", "origin.test"), `${addresses.ipv4}\n`);
    const large = await dig("+bufsize=4096", "large.test", "TXT");
    assertEquals(large.match(/"x{200}"/g)?.length, 15);
    assertEquals((await dig("+bufsize=512", "large.test", "TXT")).match(/"x{200}"/g)?.length, 15);
    assertEquals(server.asked, [
      "udp origin.test A",
      "tcp origin.test A",
      "udp large.test TXT",
      "udp large.test TXT",
      "tcp large.test TXT",
    ]);
  },
);

Deno.test(
  "with tunnel a proxy that carries no UDP is asked over TCP, for datagrams, too",
  requires("netns", "tun", "dig", "tinyproxy"),
  async () => {
    await using addresses = await borrowAddresses();
    await using server = await serveDns(farZone(addresses.ipv4), addresses.ipv4);
    await using proxy = await startTinyproxy();
    await using namespace = await createNamespace();
    const url = `http://${proxy.authority}`;
    await using _up = await startUp(namespace, url, "--http", "1.1", "--dns", "tunnel");
    const dig = async (...words: string[]) =>
      (await namespace.run("dig", "+tries=1", "+notcp", `@${addresses.ipv4}`, ...words)).stdout;
    assertEquals(await dig("+short", "origin.test"), `${addresses.ipv4}\n`);
    // As a datagram the answer is cut to what the program takes.
    assertMatch(await dig("+ignore", "+bufsize=512", "large.test", "TXT"), /flags: qr tc/);
    assertEquals(server.asked, ["tcp origin.test A", "tcp large.test TXT"]);
  },
);

Deno.test("DNS over TLS and QUIC is ECONNREFUSED when it is blocked", NEEDS, async () => {
  await using world = await createWorld();
  const script = `curl -sS -m 5 telnet://${TARGET}:853; echo $?
    dig +notcp +tries=1 +timeout=5 -p 853 @${TARGET} origin.test`;
  const { stdout } = await world.run(["--block-dot"], "sh", "-c", script);
  assertMatch(stdout, /^7\n[\s\S]*connection refused/);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { nameFindings } from "../../../src/cli/doctor/names.ts";
import { type Finding, lineOf, no, note, ok } from "../../../src/cli/doctor/finding.ts";
import { isAtLeast } from "../../../src/cli/doctor/machine.ts";
import { proxyFindings } from "../../../src/cli/doctor/proxy.ts";
import { type DoctorCommand, parseOptions } from "../../../src/cli/options.ts";
import type { TunnelOptions } from "../../../src/cli/tunnel_options.ts";
import { type ProxyOptions, serveProxy } from "../../../src/proxy/proxy.ts";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { MemoryClient } from "../../../src/tunnel/local/memory.ts";
import type { Target } from "../../../src/tunnel/tunnel.ts";
import { serveH1 } from "../../support/tunnel_servers.ts";

ffiIsUsable(); // the library stays open, which no test shall be blamed for

function doctor(line: string): DoctorCommand {
  const around = { env: () => undefined, readTextFile: () => "" };
  return parseOptions(["doctor", ...line.split(" ")], around) as DoctorCommand;
}

async function lines(findings: AsyncGenerator<Finding>): Promise<string[]> {
  return (await Array.fromAsync(findings)).map((finding) => lineOf(finding, false));
}

/** What is said of a proxy. */
function saidOf(tunnel: TunnelOptions, target: Target): Promise<string[]> {
  return lines(proxyFindings(tunnel, target, async function* () {}));
}

async function saidOfEmbedded(options: ProxyOptions, line: string): Promise<string[]> {
  await using proxy = await serveProxy({ allow: ["127.0.0.0/8"], ...options });
  using origin = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void origin.accept().then((conn) => conn.close(), () => {}); // nobody comes where the proxy refuses
  const pin = proxy.certificateSha256 === undefined ? "" : ` --pin ${proxy.certificateSha256}`;
  const { tunnel } = doctor(`--proxy ${proxy.url}${line.includes("insecure") ? "" : pin}${line}`);
  return await saidOf(tunnel!, { hostname: "127.0.0.1", port: origin.addr.port });
}

Deno.test("of a good proxy everything is ok", async () => {
  const said = await saidOfEmbedded({}, "");
  assertEquals(said.map((line) => line.slice(0, 6)), Array(5).fill("ok    "));
  assertMatch(said[0], /reached in \d+ ms: https:\S+ \(HTTP\/[23]\)$/);
  assertMatch(said[1], /certificate is trusted/);
  assertMatch(said[2], /CONNECT to 127\.0\.0\.1:\d+ is granted/);
  assertMatch(said[3], /UDP is carried/);
  assertMatch(said[4], /one address for everybody \(Connect-UDP-Bind\), such as .*:\d+$/);
});

Deno.test("what is less than it could be is a note", async () => {
  const plain = await saidOfEmbedded({ tls: false }, "");
  assertMatch(plain[1], /^note {2}Everybody on the way can read along: give a proxy with https/);
  const insecure = await saidOfEmbedded({}, " --insecure");
  assertMatch(insecure[1], /^note {2}Anybody could pretend to be the proxy: give --pin or --ca/);
  const older = await saidOfEmbedded({ tls: false }, " --udp-draft03");
  assertMatch(older[4], /^note {2}Each destination of a UDP port has a tunnel of its own/);
});

Deno.test("a proxy that knows TCP only is told of, and does not fail", async () => {
  await using server = await serveH1(async (far) => await far.end());
  const { tunnel } = doctor(`--proxy http://127.0.0.1:${server.port} --http 1.1`);
  const said = await saidOf(tunnel!, { hostname: "a.example", port: 443 });
  assertMatch(said[2], /^ok {4}CONNECT to a\.example:443 is granted/);
  assertMatch(said[3], /^note {2}No UDP, so programs fall back to TCP where they can: /);
  assertEquals(said.length, 4);
});

Deno.test("credentials that are missing or wrong are a no, with what to do", async () => {
  for (const line of ["", " --token wrong"]) {
    const said = await saidOfEmbedded({ token: "right" }, line);
    assertMatch(said[2], /^no {4}The proxy wants to know who asks: give --token or --basic/);
    assertMatch(said[3], /^no {4}UDP wants other credentials/);
  }
});

Deno.test("a target that cannot be reached is told apart from a proxy that grants nothing", async () => {
  await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.1/32"] });
  const { tunnel } = doctor(`--proxy ${proxy.url}`);
  const closed = await saidOf(tunnel!, { hostname: "127.0.0.1", port: 1 });
  assertMatch(closed[2], /^no {4}CONNECT is spoken, and not granted: .* give another --target/);
  const forbidden = await saidOf(tunnel!, { hostname: "127.0.0.2", port: 1 });
  assertMatch(forbidden[2], /^no {4}CONNECT is not granted: .*destination_ip_prohibited/);
});

Deno.test("a proxy that is not there, or that nobody trusts, is one no", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const gone = await saidOf(doctor(`--proxy http://127.0.0.1:${port}`).tunnel!, {
    hostname: "a.example",
    port: 1,
  });
  assertEquals(gone.length, 1);
  assertMatch(gone[0], /^no {4}.*127\.0\.0\.1/);
  await using proxy = await serveProxy();
  const untrusted = await saidOf(doctor(`--proxy ${proxy.url}`).tunnel!, {
    hostname: "a.example",
    port: 1,
  });
  assertEquals(untrusted.length, 1);
  assertMatch(untrusted[0], /^no {4}.*certificate/i);
});

Deno.test("each mode of names is told, and tried where there is something to try", async () => {
  await using proxy = new MemoryClient(() => ({
    kind: "connection_refused",
    refusal: "reset",
    status: 502,
    detail: "nobody listens",
  }));
  const said = async (line: string, carriesTcp = true) => {
    const [only, ...others] = await lines(nameFindings(doctor(line), proxy, carriesTcp));
    assertEquals(others, []);
    return only;
  };
  assertMatch(
    await said("--dns fake --target a.example:1"),
    /^ok {4}.*as it did with a\.example$/,
  );
  assertMatch(await said("--dns fake", false), /^no {4}.*see what it says about CONNECT$/);
  assertMatch(
    await said("--dns fake --target 192.0.2.1:1"),
    /^note {2}.*try one with --target NAME:PORT$/,
  );
  assertMatch(await said("--dns off"), /^note {2}With --dns off/);
  assertMatch(
    await said("--dns doh --doh https://dns.example/q"),
    /^no {4}With --dns doh nobody answers: .*: give another --doh URL$/,
  );
  assertMatch(
    await said("--dns tunnel --nameserver 192.0.2.53"),
    /^no {4}With --dns tunnel nobody answers: .*: give another --nameserver$/,
  );
});

Deno.test("versions are compared by their numbers", () => {
  assert(
    isAtLeast("2.9.5", "2.9.5") && isAtLeast("2.10.0", "2.9.5") && isAtLeast("3.0.0", "2.9.5"),
  );
  assert(isAtLeast("2.9.6+abc", "2.9.5") && !isAtLeast("2.9.4", "2.9.5"));
  assert(!isAtLeast("2.8.9", "2.9.5") && !isAtLeast("1.46.3", "2.9.5"));
});

Deno.test("lines stand in columns, and are coloured on terminals", () => {
  assertEquals(lineOf(ok("a"), false), "ok    a");
  assertEquals(lineOf(note("a", "b"), false), "note  a: b");
  assertEquals(lineOf(no("a", "b"), true), "\x1b[31mno  \x1b[39m  a: b");
});

Deno.test("what the library takes for a mistake is one sentence, too", async () => {
  await using proxy = await serveProxy();
  const { tunnel } = doctor(`--proxy ${proxy.url} --insecure --http 3`);
  const said = await saidOf(tunnel!, { hostname: "a.example", port: 1 });
  assertEquals(said.length, 1);
  assertMatch(said[0], /^no {4}Cannot speak HTTP\/3: /);
});

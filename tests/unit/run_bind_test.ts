import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  createLog,
  memoryDevice,
  type Outcome,
  run,
  type Running,
  type RunOptions,
} from "../../mod.ts";
import { BoundProxy } from "../support/bound_proxy.ts";
import { UdpProgram } from "../support/udp_program.ts";

const OFF: RunOptions = { dns: "off" };
const ONE = Uint8Array.of(203, 0, 113, 1);
const TWO = Uint8Array.of(203, 0, 113, 2);

function start(proxy: BoundProxy, options = OFF): AsyncDisposable & {
  readonly program: UdpProgram;
  readonly running: Running;
} {
  const { device, far } = memoryDevice({ offload: false });
  const running = run(device, proxy, options);
  const program = new UdpProgram(far);
  return {
    program,
    running,
    async [Symbol.asyncDispose]() {
      await running.close();
      await proxy.close();
      await program[Symbol.asyncDispose]();
    },
  };
}

/** Waits for what comes in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 20_000; !isSo();) {
    if (performance.now() > deadline) throw new Error(`Never came: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function refusal(kind: Outcome["kind"], words = "told"): Outcome {
  return { kind, refusal: "port-unreachable", status: 0, detail: words };
}

Deno.test("RFC 4787, REQ-1: all that a program's port sends leaves from one port at the proxy", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy);
  await path.program.send("a", { destination: ONE, port: 3478 });
  await path.program.send("b", { destination: TWO, port: 3478 });
  await path.program.send("c", { destination: ONE, port: 5000 });
  await until(() => proxy.ports[0]?.sent.length === 3);
  assertEquals(proxy.ports.length, 1);
  assertEquals(proxy.ports[0].sent.toSorted(), [
    "a > 203.0.113.1 3478",
    "b > 203.0.113.2 3478",
    "c > 203.0.113.1 5000",
  ]);
  await path.program.send("d", { destination: ONE, port: 3478, sourcePort: 9 });
  await until(() => proxy.ports[1]?.sent.length === 1);
  assertEquals(proxy.targets, []);
  assertEquals(path.running.stats.associations, 4);
});

Deno.test("RFC 4787, REQ-8: whoever sends to that port is heard, asked or not", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy);
  await path.program.send("a", { destination: ONE, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 1);
  const [port] = proxy.ports;
  port.hear("answer", "203.0.113.1", 3478);
  assertEquals(await path.program.hearsFrom(), "answer < 203.0.113.1 3478 at 12345");
  port.hear("knock", "203.0.113.2", 6000);
  assertEquals(await path.program.hearsFrom(), "knock < 203.0.113.2 6000 at 12345");
  // Another port of the same host is a stranger, too (REQ-8: endpoint-independent).
  port.hear("knock", "203.0.113.1", 999);
  assertEquals(await path.program.hearsFrom(), "knock < 203.0.113.1 999 at 12345");
  assertEquals(path.running.stats.associations, 1);
  // Who is answered becomes one of the port's own, whatever its number.
  await path.program.send("welcome", { destination: ONE, port: 999 });
  await until(() => port.sent.length === 2);
  assertEquals([port.sent[1], proxy.ports.length], ["welcome > 203.0.113.1 999", 1]);
  port.hear("thanks", "203.0.113.1", 999);
  assertEquals(await path.program.hearsFrom(), "thanks < 203.0.113.1 999 at 12345");
  assertEquals([path.running.stats.associations, proxy.targets], [2, []]);
});

Deno.test("servers on ports below 1024 have tunnels of their own, unless it is always or the port is there", async () => {
  for (const udpBind of ["auto", "always"] as const) {
    const proxy = new BoundProxy();
    await using path = start(proxy, { ...OFF, udpBind });
    await path.program.send("a", { destination: ONE, port: 443 });
    if (udpBind === "auto") assertEquals(await path.program.hears(), "a");
    else await until(() => proxy.ports[0]?.sent.length === 1);
    assertEquals(proxy.targets.length, udpBind === "auto" ? 1 : 0);
    await path.program.send("b", { destination: ONE, port: 1024 });
    await path.program.send("c", { destination: TWO, port: 443 });
    await until(() => proxy.ports[0]?.sent.length === (udpBind === "auto" ? 2 : 3));
    assertEquals([proxy.targets.length, proxy.asked], [udpBind === "auto" ? 1 : 0, 1]);
  }
});

Deno.test("with off nobody asks for a port", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy, { ...OFF, udpBind: "off" });
  await path.program.send("a", { destination: ONE, port: 3478 });
  assertEquals(await path.program.hears(), "a");
  assertEquals([proxy.asked, proxy.targets.length], [0, 1]);
});

Deno.test("a family that the port does not have goes by tunnels of its own", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy);
  await path.program.send("six", { family: 6, port: 3478 });
  assertEquals(await path.program.hears(), "six");
  assertEquals(proxy.targets, [{ hostname: "2001:db8::5", port: 3478 }]);
});

Deno.test("a proxy without ports is asked once, and each destination has its tunnel", async () => {
  const lines: string[] = [];
  const log = createLog("info", (level, line) => lines.push(`${level}: ${line}`));
  const proxy = new BoundProxy(() => refusal("udp_unsupported", "it offers no Connect-UDP-Bind"));
  await using path = start(proxy, { ...OFF, log });
  for (const [i, destination] of [ONE, TWO, ONE].entries()) {
    await path.program.send(`${i}`, { destination, port: 3478, sourcePort: 7000 + i });
    assertEquals(await path.program.hears(), `${i}`);
  }
  assertEquals([proxy.asked, proxy.targets.length], [1, 3]);
  assertEquals(lines, [
    "info: Each destination of a UDP port has a tunnel of its own: it offers no Connect-UDP-Bind",
  ]);
});

Deno.test("a refusal that says nothing about ports is the program's answer, and the next one asks again", async () => {
  const denied = refusal("proxy_authentication_required");
  const proxy = new BoundProxy((asked) => asked === 1 ? denied : undefined);
  await using path = start(proxy);
  await path.program.send("a", { destination: ONE, port: 3478 });
  assertEquals(await path.program.hears(), "icmp 3 3");
  await path.program.send("b", { destination: ONE, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 1);
});

Deno.test("the port ends with the last of its associations, and the next datagram gets another", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy, { ...OFF, limits: { associations: 2 } });
  await path.program.send("a", { destination: ONE, port: 3478 });
  await path.program.send("b", { destination: TWO, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 2);
  // Each new port of the program takes the place of one of the two.
  await path.program.send("c", { destination: ONE, port: 3478, sourcePort: 1 });
  await until(() => proxy.ports[1]?.sent.length === 1);
  assertEquals(proxy.ports[0].isOpen, true);
  await path.program.send("d", { destination: ONE, port: 3478, sourcePort: 2 });
  await until(() => proxy.ports[2]?.sent.length === 1 && !proxy.ports[0].isOpen);
  await path.program.send("e", { destination: ONE, port: 3478 });
  await until(() => proxy.ports[3]?.sent.length === 1);
});

Deno.test("a proxy's end of the port is silence, a reset port unreachable, and either way the next datagram gets another", async () => {
  for (const reason of ["finished", "reset"] as const) {
    const proxy = new BoundProxy();
    await using path = start(proxy);
    await path.program.send("a", { destination: ONE, port: 3478 });
    await until(() => proxy.ports[0]?.sent.length === 1);
    proxy.ports[0].end(reason);
    if (reason === "reset") assertEquals(await path.program.hears(), "icmp 3 3");
    await until(() => path.running.stats.associations === 0);
    await path.program.send("b", { destination: ONE, port: 3478 });
    await until(() => proxy.ports[1]?.sent.length === 1);
  }
});

Deno.test("at the proxy's limit ports give way until one of them is free", async () => {
  const full = { ...refusal("connection_limit_reached"), refusal: "host-unreachable" as const };
  const proxy: BoundProxy = new BoundProxy(() =>
    proxy.ports.filter(({ isOpen }) => isOpen).length >= 2 ? full : undefined
  );
  await using path = start(proxy);
  // The oldest port has two destinations: both have to go.
  for (const destination of [ONE, TWO]) await path.program.send("a", { destination, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 2);
  await path.program.send("b", { destination: ONE, port: 3478, sourcePort: 1 });
  await until(() => proxy.ports[1]?.sent.length === 1);
  await path.program.send("c", { destination: ONE, port: 3478, sourcePort: 2 });
  await until(() => proxy.ports[2]?.sent.length === 1);
  assertEquals(proxy.ports.map(({ isOpen }) => isOpen), [false, true, true]);
  assertEquals(path.running.stats.associations, 2);
});

Deno.test("names go to the proxy as names, by tunnels of their own", async () => {
  const proxy = new BoundProxy();
  await using path = start(proxy, { dns: "fake", hosts: "203.0.113.1 in.test\n" });
  await path.program.send(question("out.test"), { port: 53 });
  const fake = lastFourBytes(await path.program.hearsBytes());
  await path.program.send("by name", { destination: fake, port: 3478 });
  assertEquals(await path.program.hears(), "by name");
  assertEquals(proxy.targets, [{ hostname: "out.test", port: 3478 }]);
  await path.program.send("by address", { destination: ONE, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 1);
  // Nobody can send from an address that was made up.
  proxy.ports[0].hear("I am out.test", fake.join("."), 9);
  proxy.ports[0].hear("I am one", "203.0.113.1", 9);
  assertEquals(await path.program.hears(), "I am one");
});

Deno.test("the operator can read which port it is", async () => {
  const lines: string[] = [];
  const log = createLog("debug", (_level, line) => lines.push(line));
  const proxy = new BoundProxy();
  await using path = start(proxy, { ...OFF, log });
  await path.program.send("a", { destination: ONE, port: 3478 });
  await until(() => proxy.ports[0]?.sent.length === 1);
  assertEquals(
    lines[0],
    "UDP port 198.18.0.1:12345 is 192.0.2.9:40001 at the proxy, for everybody",
  );
  assertStringIncludes(lines[1], "flow 1: UDP 198.18.0.1:12345 -> 203.0.113.1:3478 is open");
  assertMatch(lines.join("\n"), /is open$/);
});

/** A question for the A record of a name. */
function question(name: string): string {
  const labels = name.split(".").map((label) => String.fromCharCode(label.length) + label);
  return `\0\x01\x01\0\0\x01\0\0\0\0\0\0${labels.join("")}\0\0\x01\0\x01`;
}

function lastFourBytes(bytes: Uint8Array): Uint8Array {
  return bytes.slice(-4);
}

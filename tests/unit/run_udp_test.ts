import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  createLog,
  MemoryClient,
  memoryDevice,
  type MemoryUdpScript,
  type Outcome,
  ProxyError,
  run,
  type Running,
  type RunOptions,
  type Target,
  type UdpFarSide,
} from "../../mod.ts";
import { UdpProgram } from "../support/udp_program.ts";

const OFF: RunOptions = { dns: "off" };

/** A program whose datagrams go through a proxy that answers as `script` says. */
function start(script: MemoryUdpScript, options = OFF): AsyncDisposable & {
  readonly program: UdpProgram;
  readonly running: Running;
} {
  const { device, far } = memoryDevice({ offload: false });
  const proxy = new MemoryClient(undefined, script);
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

function outcome(kind: Outcome["kind"], refusal: Outcome["refusal"]): Outcome {
  return { kind, refusal, status: 0, detail: `The proxy said ${kind}` };
}

Deno.test("a program's datagrams go through one tunnel and come back", async () => {
  const targets: Target[] = [];
  await using path = start((target) => {
    targets.push(target);
    return "echo";
  });
  for (const text of ["one", "two", "three"]) {
    await path.program.send(text);
    assertEquals(await path.program.hears(), text);
  }
  await path.program.send("elsewhere", { port: 444 });
  assertEquals(await path.program.hears(), "elsewhere");
  const hostname = "203.0.113.5";
  assertEquals(targets, [{ hostname, port: 443 }, { hostname, port: 444 }]);
  assertEquals(path.running.stats.associations, 2);
});

Deno.test("what comes before the proxy's answer waits for it, and leaves in its order", async () => {
  const answer = Promise.withResolvers<"echo">();
  await using path = start(() => answer.promise);
  const texts = ["one", "two", "three"];
  for (const text of texts) await path.program.send(text);
  answer.resolve("echo");
  for (const text of texts) assertEquals(await path.program.hears(), text);
});

for (
  const [what, answer, seen] of [
    ["a refused target", outcome("connection_refused", "reset"), "icmp 3 3"],
    ["a prohibited one", outcome("destination_ip_prohibited", "prohibited"), "icmp 3 13"],
    ["a name that nobody knows", outcome("dns_error", "host-unreachable"), "icmp 3 1"],
  ] as const
) {
  Deno.test(`${what} is seen by the program, and its next datagram asks again`, async () => {
    let asked = 0;
    await using path = start(() => ++asked === 1 ? answer : "echo");
    await path.program.send("one");
    assertEquals(await path.program.hears(), seen);
    await path.program.send("two");
    assertEquals(await path.program.hears(), "two");
  });
}

Deno.test("a proxy that cannot carry UDP is port unreachable at once, and the operator hears it once", async () => {
  const lines: string[] = [];
  const log = createLog("warn", (level, line) => lines.push(`${level}: ${line}`));
  await using path = start(() => outcome("udp_unsupported", "port-unreachable"), { ...OFF, log });
  for (let port = 1; port <= 5; port++) {
    await path.program.send("QUIC", { port });
    assertEquals(await path.program.hears(), "icmp 3 3");
  }
  assertEquals(lines, ["warn: The proxy said udp_unsupported"]);
});

Deno.test("a proxy that is gone is network unreachable", async () => {
  const gone = outcome("proxy_unreachable", "network-unreachable");
  await using path = start(() => Promise.reject(new ProxyError(gone)));
  await path.program.send("one");
  assertEquals(await path.program.hears(), "icmp 3 0");
});

/** A far side that answers `one` with `one`, and does what `end` says when it hears anything else. */
function until(end: (far: UdpFarSide) => void): MemoryUdpScript {
  return () => (far) =>
    far.receive({
      datagram(payload) {
        if (new TextDecoder().decode(payload) === "one") far.send(payload);
        else end(far);
      },
    });
}

Deno.test("a tunnel that ends leaves in silence, and the next datagram opens another", async () => {
  let ends = 0;
  const ended = Promise.withResolvers<void>();
  await using path = start(until((far) => {
    ends++;
    far.close();
    ended.resolve();
  }));
  await path.program.send("one");
  assertEquals(await path.program.hears(), "one");
  await path.program.send("end");
  await ended.promise;
  while (path.running.stats.associations > 0) await new Promise((resolve) => setTimeout(resolve));
  await path.program.send("one");
  assertEquals(await path.program.hears(), "one");
  assertEquals(ends, 1);
});

Deno.test("RFC 9298, section 3.1: a tunnel that is reset, or ends without an answer, is a closed port", async () => {
  for (const end of [(far: UdpFarSide) => far.reset(), (far: UdpFarSide) => far.close()]) {
    await using path = start(until(end));
    await path.program.send("end");
    assertEquals(await path.program.hears(), "icmp 3 3");
  }
  await using path = start(until((far) => far.reset()));
  await path.program.send("one");
  assertEquals(await path.program.hears(), "one");
  await path.program.send("end");
  assertEquals(await path.program.hears(), "icmp 3 3");
});

Deno.test("an association that gives way closes its tunnel", async () => {
  const ended: number[] = [];
  const limits = { associations: 2 };
  await using path = start(({ port }) => (far) => {
    far.receive({ datagram: (payload) => far.send(payload) });
    void far.closed.then(({ reason }) => ended.push(reason === "finished" ? port : -port));
  }, { ...OFF, limits });
  for (const port of [1, 2, 1, 3]) {
    await path.program.send(`to ${port}`, { port });
    assertEquals(await path.program.hears(), `to ${port}`);
  }
  assertEquals(ended, [2]);
});

Deno.test("where the proxy has reached its limit, the association that was silent longest gives way", async () => {
  const open = new Set<number>();
  const full = outcome("connection_limit_reached", "host-unreachable");
  await using path = start(({ port }) => {
    if (open.size === 3) return full;
    open.add(port);
    return (far) => {
      far.receive({ datagram: (payload) => far.send(payload) });
      void far.closed.then(() => open.delete(port));
    };
  });
  for (const port of [1, 2, 3, 1, 4, 5, 1]) {
    await path.program.send(`to ${port}`, { port });
    assertEquals(await path.program.hears(), `to ${port}`);
  }
  assertEquals([...open], [1, 4, 5]);
});

Deno.test("with nobody to give way a proxy at its limit is host unreachable", async () => {
  const full = outcome("connection_limit_reached", "host-unreachable");
  await using path = start(() => full);
  await path.program.send("one");
  assertEquals(await path.program.hears(), "icmp 3 1");
});

Deno.test("the life of an association is told in words", async () => {
  const lines: string[] = [];
  const log = createLog("debug", (_level, line) => lines.push(line));
  {
    await using path = start(() => "echo", { ...OFF, log });
    await path.program.send("one");
    assertEquals(await path.program.hears(), "one");
  }
  assertStringIncludes(lines[0], "flow 1: UDP 198.18.0.1:12345 -> 203.0.113.5:443 is open");
  assertStringIncludes(lines[1], "is over, finished: 3 B out, 3 B in");
});

Deno.test("a stranger's datagrams to the resolver inside make no association", async () => {
  await using path = start(() => "echo", { dns: "fake" });
  await path.program.send("no question", { port: 53 });
  await path.program.send("one");
  assertEquals(await path.program.hears(), "one");
  assertEquals(path.running.stats.associations, 1);
});

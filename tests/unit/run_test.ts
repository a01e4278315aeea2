import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import dnsPacket from "npm:dns-packet@5.6.1";
import {
  createLog,
  MemoryClient,
  memoryDevice,
  type Outcome,
  ProxyError,
  run,
  type Target,
} from "../../mod.ts";
import { datagramPacket } from "../../src/stack/reply_packets.ts";
import { parseIp } from "../../src/wire/address.ts";
import { Program } from "../support/program.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Asks the resolver behind the device over UDP. */
async function ask(
  far: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> },
  name: string,
  type: "A" | "AAAA" | "MX",
) {
  const query = dnsPacket.encode({ type: "query", id: 7, questions: [{ name, type }] });
  const [source, resolver] = [parseIp("198.18.0.1")!, parseIp("198.18.0.2")!];
  const writer = far.writable.getWriter();
  await writer.write(datagramPacket(source, 5000, resolver, 53, new Uint8Array(query)));
  writer.releaseLock();
  const reader = far.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return dnsPacket.decode(Buffer.from(value!.subarray(28)));
}

Deno.test("a program's bytes go through the tunnel and come back", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const targets: Target[] = [];
  await using proxy = new MemoryClient((target) => {
    targets.push(target);
    return "echo";
  });
  await using _running = run(device, proxy);
  await using program = new Program(far, { destination: "203.0.113.80", destinationPort: 80 });
  await program.reaches("ESTABLISHED");
  program.write(bytes("there and back"));
  program.closeWrite();
  assertEquals(text(await program.read()), "there and back");
  assertEquals(targets, [{ hostname: "203.0.113.80", port: 80 }]);
});

Deno.test("the handshake waits until the proxy has answered", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const answer = Promise.withResolvers<"echo">();
  const asked = Promise.withResolvers<void>();
  await using proxy = new MemoryClient(() => {
    asked.resolve();
    return answer.promise;
  });
  await using _running = run(device, proxy);
  await using program = new Program(far);
  await asked.promise;
  assertEquals(program.client.endpoint.state, "SYN-SENT");
  answer.resolve("echo");
  await program.reaches("ESTABLISHED");
});

Deno.test("a name is resolved by the proxy: the program gets a fake address, and the tunnel the name", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const targets: Target[] = [];
  await using proxy = new MemoryClient((target) => {
    targets.push(target);
    return "echo";
  });
  await using _running = run(device, proxy);
  const { answers } = await ask(far, "Origin.Example", "A");
  const [{ data }] = answers as { data: string }[];
  assertStringIncludes(data, "198.1");
  assertEquals((await ask(far, "origin.example", "MX")).answers, []);
  await using program = new Program(far, { destination: data, destinationPort: 443 });
  await program.reaches("ESTABLISHED");
  assertEquals(targets, [{ hostname: "origin.example", port: 443 }]);
});

Deno.test("a fake address without a name is unreachable, and no question goes to the proxy", async () => {
  const { device, far } = memoryDevice({ offload: false });
  await using proxy = new MemoryClient(() => {
    throw new Error("the proxy was asked");
  });
  await using _running = run(device, proxy);
  await using program = new Program(far, { destination: "198.18.77.77" });
  assertEquals(await program.fails(), "icmp 3 1");
});

Deno.test("DNS over TCP is answered by the same resolver", async () => {
  const { device, far } = memoryDevice({ offload: false });
  await using proxy = new MemoryClient();
  await using _running = run(device, proxy);
  await using program = new Program(far, { destination: "9.9.9.9", destinationPort: 53 });
  await program.reaches("ESTABLISHED");
  const question = dnsPacket.streamEncode({
    type: "query",
    id: 9,
    questions: [{ name: "a.example", type: "AAAA" }],
  });
  program.write(new Uint8Array(question));
  program.closeWrite();
  const answer = dnsPacket.streamDecode(Buffer.from(await program.read()));
  assertEquals(answer.id, 9);
  assertStringIncludes((answer.answers![0] as { data: string }).data, "fd70:");
});

Deno.test("without DNS a datagram to port 53 is unreachable, and a flow there goes through the tunnel", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const targets: Target[] = [];
  await using proxy = new MemoryClient((target) => {
    targets.push(target);
    return "echo";
  });
  await using _running = run(device, proxy, { dns: "off" });
  const writer = far.writable.getWriter();
  const [source, resolver] = [parseIp("198.18.0.1")!, parseIp("9.9.9.9")!];
  await writer.write(datagramPacket(source, 5000, resolver, 53, bytes("a question")));
  writer.releaseLock();
  const reader = far.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  assertEquals([value![9], value![20], value![21]], [1, 3, 3]);
  await using program = new Program(far, { destination: "9.9.9.9", destinationPort: 53 });
  await program.reaches("ESTABLISHED");
  assertEquals(targets, [{ hostname: "9.9.9.9", port: 53 }]);
});

const refused: Outcome = {
  kind: "proxy_authentication_required",
  refusal: "prohibited",
  status: 407,
  detail: "The proxy wants other credentials",
};

Deno.test("a refusal reaches the program as an answer and the operator as one sentence", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const lines: string[] = [];
  const log = createLog("warn", (level, line) => lines.push(`${level}: ${line}`));
  await using proxy = new MemoryClient(() => refused);
  await using _running = run(device, proxy, { log });
  await using program = new Program(far);
  assertEquals(await program.fails(), "icmp 3 13");
  assertEquals(lines, ["warn: The proxy wants other credentials"]);
});

Deno.test("a proxy that gives no answer is network unreachable for new flows", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const gone: Outcome = {
    kind: "proxy_unreachable",
    refusal: "network-unreachable",
    status: 0,
    detail: "Could not reach the proxy",
  };
  await using proxy = new MemoryClient(() => Promise.reject(new ProxyError(gone)));
  await using _running = run(device, proxy);
  await using program = new Program(far);
  assertEquals(await program.fails(), "icmp 3 0");
});

Deno.test("a tunnel that is reset resets the program, and a program's reset resets the tunnel", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const ends: string[] = [];
  await using proxy = new MemoryClient(() => async (side) => {
    const reader = side.readable.getReader();
    try {
      const { value } = await reader.read();
      if (value && text(value) === "reset me") return side.reset();
      await reader.read();
      ends.push("end");
    } catch {
      ends.push("reset");
    }
  });
  {
    await using _running = run(device, proxy);
    await using program = new Program(far, { sourcePort: 2000 });
    await program.reaches("ESTABLISHED");
    program.write(bytes("reset me"));
    assertEquals(await program.fails(), "reset");
  }
  const second = memoryDevice({ offload: false });
  await using _running = run(second.device, proxy);
  await using program = new Program(second.far, { sourcePort: 2001 });
  await program.reaches("ESTABLISHED");
  program.write(bytes("hello"));
  await program.sends(5);
  program.reset();
  while (ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(ends, ["reset"]);
});

Deno.test("closing what runs resets its flows and closes its device", async () => {
  const { device, far } = memoryDevice({ offload: false });
  await using proxy = new MemoryClient();
  const running = run(device, proxy);
  await using program = new Program(far);
  await program.reaches("ESTABLISHED");
  await running.close();
  await running.closed;
  assert(await program.fails() === "reset");
});

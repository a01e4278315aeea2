import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import dnsPacket from "npm:dns-packet@5.6.1";
import {
  createLog,
  MemoryClient,
  memoryDevice,
  type Outcome,
  type ProxyClient,
  ProxyError,
  run,
  type Target,
  type UdpFarSide,
} from "../../mod.ts";
import { type DnsStream, serveStream } from "../../src/dns/serve.ts";
import { frameMessage } from "../../src/dns/stream.ts";
import { datagramPacket } from "../../src/stack/reply_packets.ts";
import { parseIp } from "../../src/wire/address.ts";
import { FRAME_HEADER_LENGTH } from "../../src/wire/virtio.ts";
import { answerOf, dnsDecode, dnsQuery, serveDoh } from "../support/dns.ts";
import { ClientHost } from "../support/client_host.ts";
import { LoopbackClient } from "../support/loopback_client.ts";
import { Program } from "../support/program.ts";

const ZONE = { "a.test A": [{ type: "A", ttl: 60, data: "203.0.113.7" }] };

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Asks the resolver behind the device over UDP. */
async function ask(
  far: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> },
  name: string,
  type: "A" | "AAAA" | "MX",
  server = "198.18.0.2",
) {
  const query = dnsPacket.encode({ type: "query", id: 7, questions: [{ name, type }] });
  const [source, resolver] = [parseIp("198.18.0.1")!, parseIp(server)!];
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

Deno.test("without DNS datagrams and flows to port 53 go through the tunnel", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const targets: string[] = [];
  const script = (protocol: string) => ({ hostname, port }: Target) => {
    targets.push(`${protocol} ${hostname} ${port}`);
    return "echo" as const;
  };
  await using proxy = new MemoryClient(script("tcp"), script("udp"));
  await using _running = run(device, proxy, { dns: "off" });
  const writer = far.writable.getWriter();
  const [source, resolver] = [parseIp("198.18.0.1")!, parseIp("9.9.9.9")!];
  await writer.write(datagramPacket(source, 5000, resolver, 53, bytes("a question")));
  writer.releaseLock();
  const reader = far.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  assertEquals([value![9], text(value!.subarray(28))], [17, "a question"]);
  await using program = new Program(far, { destination: "9.9.9.9", destinationPort: 53 });
  await program.reaches("ESTABLISHED");
  assertEquals(targets, ["udp 9.9.9.9 53", "tcp 9.9.9.9 53"]);
});

Deno.test("with doh a name has its real address, asked through the tunnel, and the flow goes there", async () => {
  const { device, far } = memoryDevice({ offload: false });
  await using server = serveDoh(ZONE, { tls: false });
  await using proxy = new LoopbackClient();
  await using _running = run(device, proxy, { dns: "doh", doh: [server.url] });
  const { answers } = await ask(far, "a.test", "A");
  assertEquals((answers as { data: string }[]).map(({ data }) => data), ["203.0.113.7"]);
  assertEquals(proxy.targets, [`127.0.0.1:${server.port}`]);
});

Deno.test("with tunnel a question goes to the server that the program names, as a datagram and as a stream", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const asked: string[] = [];
  const stream = ({ hostname, port }: Target) => async (side: DnsStream) => {
    asked.push(`${hostname}:${port}`);
    await serveStream(side, (query) => answerOf(ZONE, query));
  };
  const datagrams = ({ hostname, port }: Target) => async ({ readable, writable }: UdpFarSide) => {
    asked.push(`udp ${hostname}:${port}`);
    const writer = writable.getWriter();
    for await (const query of readable) await writer.write(answerOf(ZONE, query)!);
  };
  await using proxy = new MemoryClient(stream, datagrams);
  await using _running = run(device, proxy, { dns: "tunnel" });
  const { answers } = await ask(far, "a.test", "A", "9.9.9.9");
  assertEquals((answers as { data: string }[]).map(({ data }) => data), ["203.0.113.7"]);
  await using program = new Program(far, { destination: "8.8.8.8", destinationPort: 53 });
  await program.reaches("ESTABLISHED");
  program.write(frameMessage(dnsQuery("a.test")));
  program.closeWrite();
  assertEquals(dnsDecode((await program.read()).subarray(2)).answers[0].data, "203.0.113.7");
  assertEquals(asked, ["udp 9.9.9.9:53", "8.8.8.8:53"]);
});

Deno.test("a hosts file is answered from, and the flow goes to the address", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const targets: Target[] = [];
  await using proxy = new MemoryClient((target) => {
    targets.push(target);
    return "echo";
  });
  await using _running = run(device, proxy, { hosts: "203.0.113.9 printer.test" });
  const [{ data }] = (await ask(far, "printer.test", "A")).answers as { data: string }[];
  await using program = new Program(far, { destination: data, destinationPort: 631 });
  await program.reaches("ESTABLISHED");
  assertEquals(targets, [{ hostname: "203.0.113.9", port: 631 }]);
});

Deno.test("DNS over TLS is refused when it is blocked", async () => {
  const { device, far } = memoryDevice({ offload: false });
  await using proxy = new MemoryClient(() => {
    throw new Error("the proxy was asked");
  });
  await using _running = run(device, proxy, { blockDot: true });
  await using program = new Program(far, { destination: "9.9.9.9", destinationPort: 853 });
  assertEquals(await program.fails(), "reset");
});

Deno.test("a path that has no IPv6 is learned, and its addresses are no longer told", async () => {
  const { device, far } = memoryDevice({ offload: false });
  const zone = { "a.test AAAA": [{ type: "AAAA", ttl: 60, data: "2001:db8::7" }] };
  await using server = serveDoh(zone, { tls: false });
  const unroutable: Outcome = { ...refused, kind: "destination_ip_unroutable" };
  await using loopback = new LoopbackClient();
  const proxy: ProxyClient = {
    description: "no IPv6",
    connect: (target, options) =>
      target.hostname.includes(":")
        ? Promise.resolve({ ok: false, status: 502, headers: new Headers(), outcome: unroutable })
        : loopback.connect(target, options),
    connectUdp: (target, options) => loopback.connectUdp(target, options),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using _running = run(device, proxy, { dns: "doh", doh: [server.url] });
  assertEquals((await ask(far, "a.test", "AAAA")).answers!.length, 1);
  const [writer, reader] = [far.writable.getWriter(), far.readable.getReader()];
  for (const sourcePort of [1, 2, 3]) {
    const host = new ClientHost({ source: "fd00::1", destination: "2001:db8::7", sourcePort });
    await writer.write(host.poll(0)[0].subarray(FRAME_HEADER_LENGTH));
    assertEquals((await reader.read()).value![6], 58); // ICMPv6
  }
  [writer, reader].forEach((side) => side.releaseLock());
  assertEquals((await ask(far, "a.test", "AAAA")).answers!.length, 0);
});

Deno.test("servers that cannot be reached are a server failure for the program, and one sentence for the operator", async () => {
  for (const dns of ["doh", "tunnel"] as const) {
    const { device, far } = memoryDevice({ offload: false });
    const lines: string[] = [];
    const log = createLog("warn", (_level, line) => lines.push(line));
    await using proxy = new MemoryClient(() => refused, () => refused);
    await using _running = run(device, proxy, { dns, log });
    for (const name of ["a.test", "b.test"]) {
      assertEquals((await ask(far, name, "A") as { rcode?: string }).rcode, "SERVFAIL");
    }
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0], "Names cannot be resolved");
    assertStringIncludes(lines[0], "The proxy wants other credentials");
    assert(!lines[0].includes(".test"));
  }
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

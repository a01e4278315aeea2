import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { toText } from "@std/streams";
import { FlowError, type FlowRequest, PseudoTcp } from "../../../mod.ts";
import { Program } from "../../support/program.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const pattern = (length: number) => new Uint8Array(length).map((_, i) => (i * 31) ^ (i >>> 8));

async function nextRequest(stack: PseudoTcp): Promise<FlowRequest> {
  const reader = stack.flows.getReader();
  try {
    return (await reader.read()).value!;
  } finally {
    reader.releaseLock();
  }
}

Deno.test("a SYN is a request, and the SYN-ACK leaves when it is accepted", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack, { destination: "203.0.113.9", destinationPort: 80 });
  const request = await nextRequest(stack);
  assertEquals(request.protocol, "tcp");
  assertEquals(request.source, { hostname: "198.18.0.1", port: 40_000 });
  assertEquals(request.destination, { hostname: "203.0.113.9", port: 80 });
  assertEquals(program.client.endpoint.state, "SYN-SENT");
  request.accept();
  await program.reaches("ESTABLISHED");
});

for (
  const [refusal, v4, v6] of [
    ["reset", "reset", "reset"],
    ["host-unreachable", "icmp 3 1", "icmp 1 3"],
    ["network-unreachable", "icmp 3 0", "icmp 1 0"],
    ["prohibited", "icmp 3 13", "icmp 1 1"],
  ] as const
) {
  Deno.test(`a request refused as ${refusal} is seen by the program as such`, async () => {
    for (
      const [destination, source, expected] of [
        ["203.0.113.9", "198.18.0.1", v4],
        ["2001:db8::9", "fd00::1", v6],
      ]
    ) {
      await using stack = new PseudoTcp();
      await using program = new Program(stack, { source, destination });
      const request = await nextRequest(stack);
      request.refuse({ refusal });
      assertEquals(await program.fails(), expected);
      assertEquals(stack.stats.flows, 0);
    }
  });
}

Deno.test("bytes go both ways, and each FIN closes one direction", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  program.write(bytes("a question"));
  program.closeWrite();
  assertEquals(await toText(flow.readable), "a question");
  const writer = flow.writable.getWriter();
  const answer = pattern(3_000_000);
  const chunks = [answer.subarray(0, 1), answer.subarray(1, 1_000_000), answer.subarray(1_000_000)];
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  const got = await program.read();
  assertEquals(got.length, answer.length);
  assert(got.every((byte, i) => byte === answer[i]));
  const end = await flow.closed;
  assertEquals(end, { reason: "finished", outboundBytes: 10, inboundBytes: answer.length });
});

Deno.test("a flow whose readable nobody reads closes the program's window and holds no more than that", async () => {
  await using stack = new PseudoTcp({ limits: { receiveBufferBytes: 40_000 } });
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  program.write(pattern(1_000_000));
  // The window lets 40,000 bytes in, less what would be a silly segment at its edge.
  await program.sends(38_552);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const sent = 1_000_000 - program.client.endpoint.queuedBytes;
  assert(sent > 38_000 && sent <= 40_000, `${sent} bytes were taken`);
  let received = 0;
  for await (const chunk of flow.readable) {
    received += chunk.length;
    if (received === 1_000_000) break;
  }
  assertEquals(received, 1_000_000);
});

Deno.test("a write waits while the program does not acknowledge", async () => {
  await using stack = new PseudoTcp({ limits: { sendBufferBytes: 100_000 } });
  await using program = new Program(stack, { receiveBufferBytes: 0 });
  const flow = (await nextRequest(stack)).accept();
  const writer = flow.writable.getWriter();
  let settled = 0;
  const writes = [0, 1, 2].map(() => writer.write(new Uint8Array(60_000)).then(() => settled++));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(settled, 1);
  program.reset();
  for (const write of writes.slice(1)) await assertRejects(() => write, FlowError, "reset");
});

Deno.test("abort of the writable resets the program", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  await flow.writable.abort(new Error("enough"));
  assertEquals(await program.fails(), "reset");
  assertEquals((await flow.closed).reason, "reset");
});

Deno.test("after cancel of the readable, what the program still sends is answered with RST", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  await flow.readable.cancel();
  const writer = flow.writable.getWriter();
  await writer.write(bytes("still here"));
  assertEquals((await program.read(10)).length, 10);
  program.write(bytes("unwanted"));
  assertEquals(await program.fails(), "reset");
});

Deno.test("a reset of the program errors both streams, after the bytes that came before it", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  program.write(bytes("last words"));
  program.reset();
  assertEquals((await flow.closed).reason, "reset");
  const reader = flow.readable.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "last words");
  await assertRejects(() => reader.read(), FlowError, "reset");
  await assertRejects(() => flow.writable.getWriter().write(bytes("x")), FlowError, "reset");
});

Deno.test("a program that gives up while it waits aborts the signal of its request", async () => {
  await using stack = new PseudoTcp();
  await using program = new Program(stack);
  const request = await nextRequest(stack);
  const { signal } = request;
  assertEquals(signal.aborted, false);
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  const { promise, resolve } = Promise.withResolvers<void>();
  aborted.then(() => resolve());
  // A program that gives up in SYN-SENT sends a RST right behind its SYN.
  program.reset();
  await promise;
  assertStringIncludes(String(signal.reason), "gave up");
  const flow = request.accept();
  assertEquals((await flow.closed).reason, "reset");
});

Deno.test("a request is answered once", async () => {
  await using stack = new PseudoTcp();
  await using _program = new Program(stack);
  const request = await nextRequest(stack);
  request.refuse({ refusal: "reset" });
  assertThrows(() => request.accept(), TypeError, "twice");
});

Deno.test("closing the stack resets flows, refuses requests and ends the streams", async () => {
  const stack = new PseudoTcp();
  await using program = new Program(stack);
  const flow = (await nextRequest(stack)).accept();
  await program.reaches("ESTABLISHED");
  await stack.close();
  await stack.close();
  assertEquals((await flow.closed).reason, "reset");
  assertEquals((await stack.flows.getReader().read()).done, true);
});

Deno.test("what is no packet is counted, and what is no Uint8Array throws", async () => {
  await using stack = new PseudoTcp();
  const writer = stack.writable.getWriter();
  await writer.write(bytes("not a packet"));
  await writer.write(new Uint8Array());
  await writer.write(new Uint8Array(100_000));
  assertEquals([...stack.stats.drops.values()].reduce((a, b) => a + b), 3);
  // deno-lint-ignore no-explicit-any -- a caller's mistake
  await assertRejects(() => writer.write("text" as any), TypeError, "string");
});

Deno.test("abort resets the program also while a write waits for room", async () => {
  await using stack = new PseudoTcp({ limits: { sendBufferBytes: 1000 } });
  await using program = new Program(stack, { receiveBufferBytes: 0 });
  const flow = (await nextRequest(stack)).accept();
  const writer = flow.writable.getWriter();
  await program.reaches("ESTABLISHED");
  const write = writer.write(new Uint8Array(5000));
  const aborted = writer.abort(new Error("enough"));
  assertEquals(await program.fails(), "reset");
  await assertRejects(() => write, FlowError);
  await aborted;
});

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  earlyZipReadableStreams,
  LimitedTransformStream,
  mergeReadableStreams,
  TextLineStream,
  toArrayBuffer,
  toText,
  toTransformStream,
} from "@std/streams";
import { assertType, type IsExact } from "@std/testing/types";
import {
  type Flow,
  type FlowRequest,
  PseudoTcp,
  type PseudoTcpOptions,
  type TcpFlow,
  type UdpFlow,
  type UdpFlowRequest,
} from "../../../mod.ts";
import type { Clock } from "../../../src/flow/clock.ts";
import { UdpProgram } from "../../support/udp_program.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

interface Asked extends AsyncDisposable {
  readonly stack: PseudoTcp;
  readonly program: UdpProgram;
  readonly request: UdpFlowRequest;
}

/** A program that has sent datagrams through a stack of its own. */
async function ask(options: PseudoTcpOptions, ...texts: string[]): Promise<Asked> {
  const stack = new PseudoTcp(options);
  const program = new UdpProgram(stack);
  for (const text of texts) await program.send(text);
  const reader = stack.flows.getReader();
  const { value: request } = await reader.read();
  reader.releaseLock();
  assert(request?.protocol === "udp");
  return {
    stack,
    program,
    request,
    async [Symbol.asyncDispose]() {
      await stack.close();
      await program[Symbol.asyncDispose]();
    },
  };
}

/** A clock that only the test moves. */
class TestClock implements Clock {
  #now = 0;
  #deadline = Infinity;
  #wake = () => {};

  now(): number {
    return this.#now;
  }

  arm(deadline: number, wake: () => void): void {
    [this.#deadline, this.#wake] = [deadline, wake];
  }

  moveTo(time: number): void {
    while (this.#deadline <= time) {
      this.#now = this.#deadline;
      this.#deadline = Infinity;
      this.#wake();
    }
    this.#now = time;
  }
}

Deno.test("the protocol of a request tells which kind of flow it accepts", () => {
  type Accepted<P> = ReturnType<Extract<FlowRequest, { protocol: P }>["accept"]>;
  assertType<IsExact<Accepted<"udp">, UdpFlow>>(true);
  assertType<IsExact<Accepted<"tcp">, TcpFlow>>(true);
  assertType<IsExact<ReturnType<FlowRequest["accept"]>, Flow>>(true);
});

Deno.test("datagrams come as chunks, and chunks leave as datagrams", async () => {
  await using asked = await ask({}, "one", "two");
  const flow = asked.request.accept();
  assertEquals(flow.destination, { hostname: "203.0.113.5", port: 443 });
  assertEquals(asked.stack.stats.associations, 1);
  const reader = flow.readable.getReader();
  assertEquals(text((await reader.read()).value!), "one");
  assertEquals(text((await reader.read()).value!), "two");
  const third = reader.read();
  await asked.program.send("three");
  assertEquals(text((await third).value!), "three");
  const writer = flow.writable.getWriter();
  await writer.write(bytes("four"));
  await writer.write(bytes(""));
  assertEquals([await asked.program.hears(), await asked.program.hears()], ["four", ""]);
});

Deno.test("the batch path hands over what waits, and needs no stream", async () => {
  await using asked = await ask({}, "one", "two");
  const flow = asked.request.accept();
  const heard: string[] = [];
  flow.receive((payload) => {
    heard.push(text(payload));
    flow.send(payload);
  });
  await asked.program.send("three");
  assertEquals(heard, ["one", "two", "three"]);
  assertEquals(await asked.program.hears(), "one");
  assertEquals(await asked.program.hears(), "two");
  assertEquals(await asked.program.hears(), "three");
});

Deno.test("a closed writable, a cancelled readable and close end the association in silence", async () => {
  const ways: ((flow: UdpFlow) => Promise<void> | void)[] = [
    (flow) => flow.writable.close(),
    (flow) => flow.readable.cancel(),
    (flow) => flow.close(),
  ];
  for (const end of ways) {
    await using asked = await ask({}, "one");
    const flow = asked.request.accept();
    await end(flow);
    const expected = { reason: "finished", outboundBytes: 3, inboundBytes: 0, dropped: 0 };
    assertEquals(await flow.closed, expected as typeof expected & { reason: "finished" });
    flow.close();
    assertEquals(asked.stack.stats.associations, 0);
    const requests = asked.stack.flows.getReader();
    await asked.program.send("again");
    assertEquals((await requests.read()).value?.id, 2);
    requests.releaseLock();
  }
});

Deno.test("an aborted writable, and close with a refusal, tell the program", async () => {
  const ways: [string, (flow: UdpFlow) => Promise<void> | void][] = [
    ["icmp 3 3", (flow) => flow.writable.abort()],
    ["icmp 3 3", (flow) => flow.close("reset")],
    ["icmp 3 1", (flow) => flow.close("host-unreachable")],
  ];
  for (const [expected, end] of ways) {
    await using asked = await ask({}, "one");
    await end(asked.request.accept());
    assertEquals(await asked.program.hears(), expected);
  }
});

Deno.test("a refusal reaches the program, and a request is answered once", async () => {
  await using asked = await ask({}, "one");
  asked.request.refuse({ refusal: "prohibited" });
  assertEquals(await asked.program.hears(), "icmp 3 13");
  assertThrows(() => asked.request.accept(), TypeError, "twice");
});

Deno.test("silence ends it under a virtual clock: the readable closes, and closed says why", async () => {
  const clock = new TestClock();
  await using asked = await ask({ clock }, "one");
  const flow = asked.request.accept();
  const reader = flow.readable.getReader();
  assertEquals(text((await reader.read()).value!), "one");
  clock.moveTo(299_999);
  assertEquals(asked.stack.stats.associations, 1);
  clock.moveTo(300_000);
  assertEquals((await flow.closed).reason, "idle");
  assertEquals((await reader.read()).done, true);
});

Deno.test("a request whose program finds no place any more is aborted, and accepts a flow that is over", async () => {
  await using asked = await ask({ limits: { associations: 1 } }, "one");
  const { signal } = asked.request;
  await asked.program.send("two", { sourcePort: 2 });
  assertEquals(signal.aborted, true);
  const flow = asked.request.accept();
  assertEquals((await flow.closed).reason, "finished");
  assertEquals(await toText(flow.readable), "");
});

Deno.test("closing the stack ends its associations", async () => {
  await using asked = await ask({}, "one");
  const flow = asked.request.accept();
  await asked.stack.close();
  assertEquals((await flow.closed).reason, "finished");
});

Deno.test("without associations every datagram is answered with port unreachable", async () => {
  await using stack = new PseudoTcp({ limits: { associations: 0 } });
  await using program = new UdpProgram(stack);
  await program.send("one");
  assertEquals(await program.hears(), "icmp 3 3");
});

Deno.test("a chunk that is no bytes is a mistake of the caller", async () => {
  await using asked = await ask({}, "one");
  const writer = asked.request.accept().writable.getWriter();
  writer.closed.catch(() => {});
  await assertRejects(
    () => writer.write("text" as unknown as Uint8Array<ArrayBuffer>),
    TypeError,
    '"string"',
  );
});

/** What `consume` makes of a flow whose program has sent `texts`, and which then ends. */
async function heard<T>(
  texts: string[],
  consume: (readable: UdpFlow["readable"]) => Promise<T>,
): Promise<T> {
  const clock = new TestClock();
  await using asked = await ask({ clock }, ...texts);
  const flow = asked.request.accept();
  const result = consume(flow.readable);
  while (asked.stack.stats.associations > 0) {
    await new Promise((resolve) => setTimeout(resolve));
    clock.moveTo(clock.now() + 100_000);
  }
  return await result;
}

Deno.test("datagrams are collected, cut into lines, limited and merged by @std/streams", async () => {
  assertEquals(await heard(["a", "b"], toText), "ab");
  assertEquals(new Uint8Array(await heard(["a", "b"], toArrayBuffer)), bytes("ab"));
  const lines = await heard(["a\nb", "c\n"], (readable) =>
    Array.fromAsync(
      readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()),
    ));
  assertEquals(lines, ["a", "bc"]);
  const limited = await heard(
    ["a", "b", "c"],
    (readable) =>
      Array.fromAsync(readable.pipeThrough(new LimitedTransformStream<Uint8Array>(2)), text),
  );
  assertEquals(limited, ["a", "b"]);
  const empty = () => ReadableStream.from<Uint8Array<ArrayBuffer>>([]);
  assertEquals(
    await heard(["a"], (readable) => toText(mergeReadableStreams(readable, empty()))),
    "a",
  );
  assertEquals(await heard(["a"], (readable) => toText(earlyZipReadableStreams(readable))), "a");
  const shouted = toTransformStream(async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) yield text(chunk).toUpperCase();
  });
  assertEquals(await heard(["ab"], (readable) => Array.fromAsync(readable.pipeThrough(shouted))), [
    "AB",
  ]);
});

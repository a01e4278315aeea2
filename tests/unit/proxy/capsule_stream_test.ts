import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { CapsuleStream, type CapsuleTransport } from "../../../src/proxy/relay/capsule_stream.ts";

/** A transport that takes a write only when it is told to. */
class Transport implements CapsuleTransport {
  readonly written: number[] = [];
  readonly said: string[] = [];
  release = () => {};

  write(bytes: Uint8Array, done: () => void): void {
    this.written.push(bytes.length);
    this.release = done;
  }

  end(): void {
    this.said.push("end");
  }

  reset(): void {
    this.said.push("reset");
  }
}

function streamOver(transport: Transport, idleMs = 1_000) {
  const state = { over: 0 };
  const rules = { maxLength: () => 10, capsule: () => undefined };
  const stream = new CapsuleStream(transport, rules, idleMs, () => void state.over++);
  return { stream, state };
}

Deno.test("a client that does not read costs a bounded queue and its oldest datagrams", () => {
  const transport = new Transport();
  const { stream } = streamOver(transport);
  stream.start();
  for (let i = 0; i < 5_000; i++) {
    stream.queue.push(0, new Uint8Array(1_200));
    stream.flush();
  }
  assertEquals(transport.written, [1_204]);
  transport.release();
  assert(transport.written[1] <= 256 * 1_024, `${transport.written[1]}`);
  assertEquals(stream.queue.dropped, 4_999 - transport.written[1] / 1_204);
  stream.break();
});

Deno.test("nothing leaves before the head of the answer, and an end waits for what was written", () => {
  const transport = new Transport();
  const { stream, state } = streamOver(transport);
  stream.queue.push(0, new Uint8Array(1));
  stream.flush();
  assertEquals(transport.written, []);
  stream.start();
  assertEquals(transport.written, [4]);
  stream.end();
  assertEquals([transport.said, state.over], [[], 0]);
  transport.release();
  stream.break();
  assertEquals([transport.said, state.over], [["end"], 1]);
});

Deno.test("a stream that broke before the answer does not start", () => {
  const transport = new Transport();
  const { stream, state } = streamOver(transport);
  stream.break();
  stream.start();
  stream.take(new Uint8Array([1, 2]));
  assertEquals([transport.said, transport.written, state.over], [["reset"], [], 1]);
});

Deno.test("silence ends a stream; bytes in either direction put it off", () => {
  using time = new FakeTime();
  let now = 0;
  const clock = performance.now;
  performance.now = () => now;
  const tick = (ms: number) => {
    now += ms;
    time.tick(ms);
  };
  try {
    const transport = new Transport();
    const { stream } = streamOver(transport, 1_000);
    stream.start();
    tick(900);
    stream.take(new Uint8Array([0, 1, 0]));
    tick(900);
    stream.queue.push(0, new Uint8Array(1));
    stream.flush();
    transport.release();
    tick(999);
    assertEquals(transport.said, []);
    tick(1);
    assertEquals(transport.said, ["end"]);
  } finally {
    performance.now = clock;
  }
});

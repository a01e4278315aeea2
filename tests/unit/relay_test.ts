import { assertEquals, assertThrows } from "@std/assert";
import { type ByteEnd, type ByteListener, ByteStreams, type NoBytes } from "../../src/byte_end.ts";
import type { FlowEnd, TcpFlow } from "../../src/flow/types.ts";
import { relay } from "../../src/relay.ts";
import type { OpenTunnel, TunnelEnd } from "../../src/tunnel/tunnel.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** One end by script: what is to be read, and a diary of what was done to it. */
class ScriptedEnd<E> implements ByteEnd<E> {
  readonly diary: string[] = [];
  readonly toRead: (Bytes | NoBytes)[] = [];
  hasRoom = true;
  failure: unknown;
  isCut = false;
  outcome: E | undefined;
  #listener: ByteListener | undefined;

  listen(listener: ByteListener): void {
    if (this.#listener !== undefined) throw new TypeError("twice");
    this.#listener = listener;
  }
  read(): Bytes | NoBytes {
    return this.toRead.shift() ?? (this.isCut ? "reset" : "wait");
  }
  write(chunk: Bytes): boolean {
    this.diary.push(`write ${chunk.length}`);
    return this.hasRoom;
  }
  end(): boolean {
    this.diary.push("end");
    return true;
  }
  stopReading(reason: unknown): void {
    this.diary.push(`stop ${reason}`);
  }
  break(reason: unknown): void {
    this.diary.push(`break ${reason}`);
  }
  /** Brings something to read. */
  bring(...found: (Bytes | NoBytes)[]): void {
    this.toRead.push(...found);
    this.#listener!.onReadable();
  }
  makeRoom(): void {
    this.hasRoom = true;
    this.#listener!.onWritable();
  }
  fail(failure: string, isCut: boolean): void {
    this.failure = failure;
    this.isCut = isCut;
    this.#listener!.onBroken();
  }
  close(outcome: E): void {
    this.outcome = outcome;
    this.#listener!.onClosed();
  }
}

const FINISHED: FlowEnd = { reason: "finished", outboundBytes: 1, inboundBytes: 2 };

function joined() {
  const flow = new ScriptedEnd<FlowEnd>();
  const tunnel = new ScriptedEnd<TunnelEnd>();
  const over = relay(
    { bytes: flow } as unknown as TcpFlow,
    { bytes: tunnel } as unknown as OpenTunnel,
  );
  return { flow, tunnel, over };
}

const bytes = (length: number) => new Uint8Array(length);

Deno.test("bytes go both ways, each end is passed on, and the relay is over with both ends", async () => {
  const { flow, tunnel, over } = joined();
  flow.bring(bytes(3), bytes(4), "end");
  tunnel.bring(bytes(5), "end");
  assertEquals(tunnel.diary, ["write 3", "write 4", "end"]);
  assertEquals(flow.diary, ["write 5", "end"]);
  flow.close(FINISHED);
  tunnel.close({ reason: "finished", detail: "" });
  assertEquals(await over, { flow: FINISHED, tunnel: { reason: "finished", detail: "" } });
});

Deno.test("what came before the relay began is carried", () => {
  const flow = new ScriptedEnd<FlowEnd>();
  const tunnel = new ScriptedEnd<TunnelEnd>();
  flow.toRead.push(bytes(7));
  void relay({ bytes: flow } as unknown as TcpFlow, { bytes: tunnel } as unknown as OpenTunnel);
  assertEquals(tunnel.diary, ["write 7"]);
});

Deno.test("nothing is read while there is no room for it", () => {
  const { flow, tunnel } = joined();
  tunnel.hasRoom = false;
  flow.bring(bytes(1), bytes(2), "end");
  assertEquals([tunnel.diary, flow.toRead.length], [["write 1"], 2]);
  flow.bring();
  assertEquals(tunnel.diary, ["write 1"]);
  tunnel.makeRoom();
  assertEquals(tunnel.diary, ["write 1", "write 2", "end"]);
});

Deno.test("a program's reset breaks the tunnel off, and its bytes are let go of", () => {
  const { flow, tunnel } = joined();
  flow.fail("reset", true);
  assertEquals(tunnel.diary, ["stop reset", "break reset"]);
  assertEquals(flow.diary, ["stop reset"]);
});

Deno.test("a program's reset behind its FIN stops the other direction", () => {
  const { flow, tunnel } = joined();
  flow.bring("end");
  flow.fail("reset", true);
  assertEquals(tunnel.diary, ["end", "stop reset"]);
});

Deno.test("a tunnel's reset resets the program, also while it takes nothing", () => {
  const { flow, tunnel } = joined();
  flow.hasRoom = false;
  tunnel.bring(bytes(1));
  tunnel.fail("gone", true);
  assertEquals(flow.diary, ["write 1", "stop gone", "break gone"]);
});

Deno.test("a tunnel that breaks behind its end lets the program read all of it first", () => {
  const { flow, tunnel } = joined();
  flow.hasRoom = false;
  tunnel.bring(bytes(1), bytes(2), "end");
  tunnel.fail("gone", false);
  assertEquals(flow.diary, ["write 1", "stop gone"]);
  flow.makeRoom();
  assertEquals(flow.diary, ["write 1", "stop gone", "write 2", "end"]);
});

Deno.test("streams over an end give what waits, then the failure", async () => {
  const end = new ScriptedEnd<FlowEnd>();
  const { readable, writable } = new ByteStreams(end);
  assertThrows(() => new ByteStreams(end), TypeError);
  const reader = readable.getReader();
  const first = reader.read();
  end.bring(bytes(2));
  assertEquals((await first).value?.length, 2);
  end.hasRoom = false;
  const writer = writable.getWriter();
  const written = writer.write(bytes(3));
  await Promise.resolve();
  end.toRead.push(bytes(4));
  end.fail("broken", true);
  assertEquals(await written.catch((error) => error), "broken");
  assertEquals((await reader.read()).value?.length, 4);
  assertEquals(await reader.read().catch((error) => error), "broken");
});

Deno.test("a cancelled stream takes nothing that comes later", async () => {
  const end = new ScriptedEnd<FlowEnd>();
  const { readable } = new ByteStreams(end);
  const reader = readable.getReader();
  const read = reader.read();
  await reader.cancel("enough");
  end.bring(bytes(2));
  end.fail("broken", true);
  assertEquals([(await read).done, end.diary], [true, ["stop enough"]]);
});

import { assert, assertEquals } from "@std/assert";
import { Stack } from "../../../src/stack/stack.ts";
import type { Limits } from "../../../src/stack/limits.ts";
import { parseIp } from "../../../src/wire/address.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { decode, encode, type NaiveSegment } from "../../support/naive_packet.ts";

const SOURCE = parseIp("198.18.0.1")!;
const DESTINATION = parseIp("203.0.113.5")!;
/** The port of the flow that has nothing to do with the attack. */
const HONEST = 1;
/** The most of a segment over an MTU of 1500. */
const FULL = 1460;
/** The first byte of each program. */
const FIRST = 1001;
const MEBIBYTE = 2 ** 20;
/** What each flow may hold when there is nothing left: 8 KiB in each direction, and a chunk or a packet more. */
const RESERVED = 2 * 8192 + 65_536;

/** Many programs, each with one connection, and what the stack has said to each. */
class Programs {
  readonly stack: Stack;
  readonly ids = new Map<number, number>();
  /** The latest segment to each port. */
  readonly heard = new Map<number, NaiveSegment>();
  /** What the stack numbered first on each port. */
  readonly #first = new Map<number, number>();
  /** Bytes sent to each port, repetitions included. */
  readonly sent = new Map<number, number>();
  /** How far each port's bytes have got, as an offset. */
  readonly reached = new Map<number, number>();
  now = 0;
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);

  constructor(limits: Partial<Limits> = {}) {
    this.stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16), limits });
  }

  /** Opens connections, the honest one first. */
  static open(count: number, limits: Partial<Limits> = {}, window = 65_535): Programs {
    const programs = new Programs(limits);
    programs.open(HONEST);
    for (let port = HONEST + 1; port <= HONEST + count; port++) programs.open(port, window);
    return programs;
  }

  /** Opens one connection. */
  open(port: number, window = 65_535): void {
    this.say(port, { flags: "S", seq: FIRST - 1, mss: FULL, scale: 0, sackOk: true });
    const event = this.stack.pollEvent();
    assert(event?.type === "request");
    this.ids.set(port, event.id);
    this.stack.accept(event.id);
    this.listen();
    this.say(port, { window });
    this.listen();
  }

  /** The ports of the attack. */
  get attackers(): number[] {
    return [...this.ids.keys()].filter((port) => port !== HONEST);
  }

  /** The number behind the last byte that the stack has sent to a port. */
  next(port: number): number {
    return ((this.#first.get(port) ?? 0) + (this.reached.get(port) ?? 0)) >>> 0;
  }

  /** A program sends a segment. */
  say(port: number, what: Partial<NaiveSegment>): void {
    const frame = encode({
      source: SOURCE,
      destination: DESTINATION,
      sourcePort: port,
      destinationPort: 443,
      seq: FIRST,
      ack: what.flags === "S" ? 0 : this.next(port),
      flags: "A",
      window: 65_535,
      payload: new Uint8Array(0),
      ...what,
    });
    this.stack.handlePacket(frame, frame.length, this.now);
  }

  /** Hears what the stack has to say; events are of no interest here. */
  listen(): number {
    let count = 0;
    for (let length; (length = this.stack.pollPacket(this.#frame, this.now)) > 0; count++) {
      const segment = decode(this.#frame.slice(0, length));
      const port = segment.destinationPort;
      this.heard.set(port, segment);
      if (segment.flags === "SA") this.#first.set(port, segment.seq);
      this.sent.set(port, (this.sent.get(port) ?? 0) + segment.payload.length);
      const first = this.#first.get(port) ?? 0;
      const taken = segment.payload.length + (segment.flags.includes("S") ? 1 : 0);
      const end = ((segment.seq - first) >>> 0) + taken;
      if (end < 2 ** 31) this.reached.set(port, Math.max(this.reached.get(port) ?? 0, end));
    }
    while (this.stack.pollEvent() !== undefined);
    return count;
  }

  /** Lets time pass. */
  until(time: number): void {
    for (let due; (due = this.stack.nextTimeout()) <= time;) {
      this.now = Math.max(due, this.now);
      this.stack.handleTimeout(this.now);
      this.listen();
    }
    this.now = time;
  }

  /** The owner writes until it is told to wait; gives how many bytes that were. */
  fill(port: number): number {
    for (let bytes = 16_384;; bytes += 16_384) {
      if (!this.stack.write(this.ids.get(port)!, new Uint8Array(16_384))) return bytes;
    }
  }

  /** A flow that behaves goes on in both directions: its bytes come and are read, and what is written for it arrives. */
  assertHonestLives(turn = 0): void {
    const id = this.ids.get(HONEST)!;
    this.say(HONEST, { seq: FIRST + turn * FULL, payload: new Uint8Array(FULL) });
    const read = this.stack.read(id);
    assert(read instanceof Uint8Array && read.length === FULL, `read ${read}`);
    const before = this.reached.get(HONEST)!;
    assert(this.stack.write(id, new Uint8Array(FULL)), "there is room to write");
    this.listen();
    assertEquals(this.reached.get(HONEST)! - before, FULL);
    assertEquals(this.heard.get(HONEST)!.ack, FIRST + (turn + 1) * FULL);
    this.say(HONEST, { seq: FIRST + (turn + 1) * FULL });
  }

  /** Once the attackers are gone nothing is left of them. */
  assertFreed(): void {
    for (const id of this.ids.values()) this.stack.reset(id);
    this.listen();
    assertEquals([this.stack.queuedBytes, this.stack.flowCount], [0, 0]);
  }
}

Deno.test("clients that never read hold what all flows may hold together, and no more, and are probed", () => {
  const limits = { memoryBytes: 4 * MEBIBYTE };
  const programs = Programs.open(100, limits, 0);
  const taken = programs.attackers.map((port) => programs.fill(port));
  programs.listen();
  const bound = limits.memoryBytes + 100 * RESERVED;
  assert(programs.stack.queuedBytes <= bound, `${programs.stack.queuedBytes} bytes`);
  assert(taken[0] >= 500_000 && taken[99] <= 65_536, "the first may have much, the last little");
  programs.until(60_000);
  for (const port of programs.attackers) {
    assert(programs.sent.get(port)! <= 20, "only probes went out");
    programs.say(port, { window: 0 });
  }
  programs.assertHonestLives();
  assertEquals(programs.stack.flowCount, 101, "who answers probes lives");
  programs.assertFreed();
});

Deno.test("clients that acknowledge nothing get one window, hold no more than their bound, and are reset", () => {
  const programs = Programs.open(50, { sendBufferBytes: 100_000 });
  for (const port of programs.attackers) assert(programs.fill(port) <= 100_000 + 16_384);
  programs.listen();
  for (const port of programs.attackers) assert(programs.reached.get(port)! <= 65_536);
  assert(programs.stack.queuedBytes <= 50 * 116_384);
  programs.assertHonestLives(0);
  programs.until(200_000);
  for (const port of programs.attackers) {
    assert(programs.heard.get(port)!.flags.includes("R"), "the user timeout ends it with a RST");
    assert(programs.sent.get(port)! <= 16 * 65_536, "repetitions get ever rarer");
  }
  programs.assertHonestLives(1);
  assertEquals(programs.stack.flowCount, 1);
  assertEquals(programs.stack.queuedBytes, 0);
});

Deno.test("clients that shrink their window get nothing beyond it but probes, and hold no more than their bound", () => {
  const programs = Programs.open(50, { sendBufferBytes: 100_000 });
  for (const port of programs.attackers) {
    programs.fill(port);
    programs.listen();
    // Half of what is under way is acknowledged, and the window taken back far behind the rest.
    const under = programs.reached.get(port)! - 1;
    programs.say(port, { ack: (programs.next(port) - (under >>> 1)) >>> 0, window: 10 });
    programs.listen();
  }
  const before = programs.attackers.map((port) => programs.reached.get(port)!);
  programs.until(30_000);
  const beyond = programs.attackers.map((port, i) => programs.reached.get(port)! - before[i]);
  assert(Math.max(...beyond) === 0, `${Math.max(...beyond)} new bytes beyond a window of 10`);
  assert(programs.stack.queuedBytes <= 50 * 116_384);
  programs.assertHonestLives();
  programs.assertFreed();
});

Deno.test("optimistic ACKs of what never left are challenged, seldom, counted, and move nothing", () => {
  const programs = Programs.open(10);
  for (const port of programs.attackers) programs.fill(port);
  programs.listen();
  const held = programs.stack.queuedBytes;
  const reached = programs.attackers.map((port) => programs.reached.get(port));
  let answers = 0;
  for (let i = 1; i <= 100; i++) {
    for (const port of programs.attackers) {
      programs.say(port, { ack: (programs.next(port) + i * FULL) >>> 0 });
    }
    answers += programs.listen();
  }
  assertEquals(answers, programs.attackers.length, "one challenge ACK each");
  assertEquals(programs.stack.queuedBytes, held);
  assertEquals(programs.attackers.map((port) => programs.reached.get(port)), reached);
  assertEquals(programs.stack.drops.get("tcp-ack-unacceptable"), 1000);
  programs.assertHonestLives();
});

Deno.test("ACKs of what is still under way send no more than the window at once, and the queue stays within its bound", () => {
  const programs = Programs.open(1, { sendBufferBytes: 300_000 });
  const [port] = programs.attackers;
  for (let turn = 0; turn < 200; turn++) {
    programs.fill(port);
    const before = programs.reached.get(port)!;
    programs.listen();
    assert(programs.reached.get(port)! - before <= 65_535, "a window at most");
    assert(programs.stack.queuedBytes <= 300_000 + 16_384 + 2 * FULL);
    programs.say(port, {});
  }
  programs.assertHonestLives();
});

Deno.test("data outside of the window is counted, kept nowhere, and answered once a batch", () => {
  const programs = Programs.open(20);
  for (let i = 1; i <= 50; i++) {
    for (const port of programs.attackers) {
      const seq = (FIRST + 2 * MEBIBYTE + i * 100_000) >>> 0;
      programs.say(port, { seq, payload: new Uint8Array(FULL) });
    }
  }
  assertEquals(programs.listen(), 20);
  assertEquals(programs.stack.queuedBytes, 0);
  assertEquals(programs.stack.drops.get("tcp-out-of-window"), 1000);
  programs.assertHonestLives();
});

Deno.test("data out of order fills no more than the common memory, what is beyond is counted, and others go on", () => {
  const limits = { memoryBytes: MEBIBYTE };
  const programs = Programs.open(60, limits);
  for (let i = 1; i <= 40; i++) {
    for (const port of programs.attackers) {
      programs.say(port, { seq: FIRST + i * FULL, payload: new Uint8Array(FULL) });
    }
    programs.listen();
  }
  assert(programs.stack.queuedBytes <= MEBIBYTE, `${programs.stack.queuedBytes} bytes`);
  assert(programs.stack.queuedBytes > MEBIBYTE - 2 * FULL, "all of it is used");
  const dropped = programs.stack.drops.get("limit-memory")!;
  assert(dropped > 1000, `${dropped} drops`);
  programs.assertHonestLives();
  const [port] = programs.attackers;
  programs.say(port, { payload: new Uint8Array(FULL) });
  assert(programs.stack.read(programs.ids.get(port)!) instanceof Uint8Array, "what is next passes");
  programs.assertFreed();
});

Deno.test("programs whose far sides do not read share the memory, near its end windows are small, and one that is read goes on", () => {
  const limits = { memoryBytes: 2 * MEBIBYTE };
  const programs = Programs.open(100, limits);
  for (let i = 0; i < 45; i++) {
    for (const port of programs.attackers) {
      programs.say(port, { seq: FIRST + i * FULL, payload: new Uint8Array(FULL) });
    }
    programs.listen();
  }
  const bound = limits.memoryBytes + 100 * RESERVED;
  assert(programs.stack.queuedBytes <= bound, `${programs.stack.queuedBytes} bytes`);
  assert(programs.stack.drops.get("limit-memory")! > 100);
  for (let turn = 0; turn < 50; turn++) programs.assertHonestLives(turn);
  programs.open(500);
  assertEquals(programs.heard.get(500)!.window, 8192, "who comes late gets a small window");
  programs.assertFreed();
});

/**
 * Whole packets, wrong in every way, into a stack that holds conversations meanwhile.
 *
 * The invariant: garbage gives a counted drop or a legal answer, never an exception, and never more than the bounds allow.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Stack } from "../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { parseIp } from "../../src/wire/address.ts";
import { decode, encode, type NaiveSegment } from "../support/naive_packet.ts";
import { type Dice, seededDice } from "../unit/random.ts";

/** Small, so that they are met. */
const LIMITS = {
  flows: 40,
  requests: 10,
  requestTimeoutMs: 5000,
  timeWaits: 5,
  receiveBufferBytes: 20_000,
  sendBufferBytes: 20_000,
  replies: 20,
  repliesPerSecond: 50,
  datagrams: 10,
};

/** One packet after the other, with a memory of what the stack said, so that some of them hit. */
export class Fuzzer {
  readonly dice: Dice;
  readonly stack: Stack;
  now = 0;
  packets = 0;
  answers = 0;
  events = 0;
  readonly #out = new Uint8Array(MAX_FRAME_LENGTH);
  readonly #ids: number[] = [];
  /** What the stack said last on each port. */
  readonly #said = new Map<number, NaiveSegment>();

  constructor(seed: number, offload: boolean) {
    this.dice = seededDice(seed);
    const addresses = ["203.0.113.5", "2001:db8::5"];
    const base = { mtu: 1500, secret: this.dice.bytes(16), datagramPorts: [53], addresses };
    this.stack = new Stack({ ...base, offload, limits: LIMITS });
  }

  /** A few packets, perhaps a command, perhaps some time. */
  step(): void {
    const { dice, stack } = this;
    for (let i = dice.int(4); i >= 0; i--) {
      const frame = this.#mutate(dice.int(20) === 0 ? dice.bytes(dice.int(200)) : this.#segment());
      stack.handlePacket(frame, frame.length, this.now);
      this.packets++;
    }
    if (dice.int(3) === 0) this.#command();
    if (dice.int(10) === 0) this.now += dice.pick([1, 5, 20, 50, 300]);
    if (dice.int(500) === 0) this.now += dice.pick([5000, 70_000]);
    if (dice.int(5) === 0 || stack.nextTimeout() <= this.now) stack.handleTimeout(this.now);
    this.#drain();
    assert(stack.flowCount <= LIMITS.flows);
  }

  /** A segment that a program might send, mostly. */
  #segment(): Uint8Array {
    const { dice } = this;
    const family = dice.pick([4, 6]);
    const sourcePort = 1 + dice.int(30);
    const said = this.#said.get(sourcePort + family * 1000);
    const strange = [1, -1, 100, -100, 20_000, 2 ** 31];
    const near = (n: number) => (n + (dice.int(4) === 0 ? dice.pick(strange) : 0)) >>> 0;
    const usual = said === undefined ? "S" : "A";
    const clock = dice.int(20) === 0 ? dice.int(2 ** 32) : Math.floor(this.now) >>> 0;
    return encode({
      source: parseIp(family === 4 ? "198.18.0.1" : "fd00::1")!,
      destination: parseIp(family === 4 ? "203.0.113.5" : "2001:db8::5")!,
      sourcePort,
      destinationPort: 443,
      seq: said === undefined ? dice.int(2 ** 32) : near(said.ack),
      ack: said === undefined
        ? dice.int(2 ** 32)
        : near(said.seq + said.payload.length + (/[SF]/.test(said.flags) ? 1 : 0)),
      flags: dice.int(3) > 0
        ? usual
        : dice.pick(["S", "A", "FA", "FA", "R", "RA", "SA", "", "FSRPAU"]),
      window: dice.pick([0, 1, 100, 65_535]),
      mss: said ? undefined : dice.pick([undefined, 0, 1, 100, 1460, 65_535]),
      scale: said ? undefined : dice.pick([undefined, 0, 7, 14, 255]),
      sackOk: !said && dice.int(2) === 0,
      // Every other port speaks with timestamps.
      timestamps: sourcePort % 2 === 0 ? [clock, dice.int(2 ** 32)] : undefined,
      sack: said && dice.int(3) === 0
        ? [[near(said.seq), near(said.seq + 1000)], [near(said.seq), near(said.seq)]]
        : undefined,
      payload: dice.bytes(dice.pick([0, 0, 1, 100, 1400])),
    });
  }

  /** Leaves a packet alone, turns some bits over, cuts it, or lets its checksums be trusted. */
  #mutate(frame: Uint8Array): Uint8Array {
    const { dice } = this;
    const kind = dice.int(12);
    if (kind > 2 || frame.length === 0) return frame;
    const copy = frame.slice(0, kind === 0 ? dice.int(frame.length + 1) : frame.length);
    if (kind === 1) copy[0] = 1;
    for (let i = dice.int(4); i >= 0 && copy.length > 0; i--) {
      copy[dice.int(Math.min(copy.length, 90))] ^= 1 << dice.int(8);
    }
    return copy;
  }

  #command(): void {
    const { dice, stack, now } = this;
    if (this.#ids.length === 0) return;
    const id = dice.int(2) === 0 ? this.#ids.at(-1)! : dice.pick(this.#ids);
    const action = dice.int(8);
    if (action < 3) stack.accept(id);
    else if (action === 3) stack.refuse(id, dice.pick(["reset", "host-unreachable", "prohibited"]));
    else if (action === 4) stack.write(id, dice.bytes(dice.int(5000)));
    else if (action === 5) stack.closeWrite(id);
    else if (action === 6) { while (stack.read(id) instanceof Uint8Array); }
    else if (dice.int(4) === 0) {
      dice.pick([() => stack.reset(id), () => stack.stopReading(id, now)])();
    }
  }

  #drain(): void {
    for (let event; (event = this.stack.pollEvent()) !== undefined;) {
      this.events++;
      if (event.type === "request") this.#ids.push(event.id);
      if (event.type === "ended") {
        this.stack.stopReading(event.id, this.now);
        this.#ids.splice(this.#ids.indexOf(event.id), 1);
      }
    }
    for (let length, count = 0; (length = this.stack.pollPacket(this.#out, this.now)) > 0;) {
      this.answers++;
      assert(++count < 5000, "the stack sends without end");
      const frame = this.#out.slice(0, length);
      const isV4 = frame[10] >>> 4 === 4;
      if (frame[isV4 ? 19 : 16] !== 6) continue;
      const segment = decode(frame); // throws when anything about it is wrong
      const key = segment.destinationPort + (isV4 ? 4 : 6) * 1000;
      if (segment.flags.includes("R")) this.#said.delete(key);
      else this.#said.set(key, segment);
    }
  }

  /** Everything ends by itself once nobody sends any more and the owner lets go. */
  finish(): void {
    for (const id of this.#ids.slice()) this.stack.reset(id);
    this.#drain();
    for (let i = 0; i < 1000 && this.stack.nextTimeout() !== Infinity; i++) {
      this.now = Math.max(this.now, this.stack.nextTimeout());
      this.stack.handleTimeout(this.now);
      this.#drain();
    }
    assertEquals([this.stack.flowCount, this.stack.nextTimeout()], [0, Infinity]);
    // Nothing of the old flows holds a place: as many new ones as the bound allows find theirs.
    for (let port = 1; port <= LIMITS.flows; port++) {
      const [source, destination] = [parseIp("198.18.0.2")!, parseIp("203.0.113.5")!];
      const numbers = { sourcePort: port, destinationPort: 80, seq: 1, ack: 0, window: 1 };
      const syn = { source, destination, ...numbers, flags: "S", payload: new Uint8Array(0) };
      const frame = encode(syn);
      this.stack.handlePacket(frame, frame.length, this.now);
      const event = this.stack.pollEvent();
      assertEquals(event?.type, "request", `new flow ${port}`);
      this.stack.accept(event!.type === "request" ? event!.id : 0);
    }
  }
}

/** What a run came to. */
export interface Harvest {
  readonly packets: number;
  readonly dropped: number;
  readonly answers: number;
  readonly events: number;
}

/** Fuzzes for `ms`, lets everything end, and throws with the seed when anything is wrong. */
export function fuzz(seed: number, ms: number): Harvest {
  const fuzzer = new Fuzzer(seed, seed % 2 === 0);
  const end = performance.now() + ms;
  try {
    while (performance.now() < end) for (let i = 0; i < 50; i++) fuzzer.step();
    fuzzer.finish();
  } catch (error) {
    throw new Error(`After ${fuzzer.packets} packets with seed ${seed}`, { cause: error });
  }
  const dropped = [...fuzzer.stack.drops.values()].reduce((sum, count) => sum + count, 0);
  const { packets, answers, events } = fuzzer;
  return { packets, dropped, answers, events };
}

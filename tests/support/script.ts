/**
 * A timed script of one flow: a scripted program on one side, a whole stack on the other, and a clock in between that only
 * the script moves. Numbers are relative to either side's initial sequence number: the SYN is 0, the first byte is 1.
 *
 * Every packet of the stack goes through the naive decoder, so every test checks its checksums, its length and its bytes.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Limits } from "../../src/stack/limits.ts";
import type { TcpSettings } from "../../src/tcp/settings.ts";
import { Stack } from "../../src/stack/stack.ts";
import { parseIp } from "../../src/wire/address.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { decode, encode } from "./naive_packet.ts";
import { icmpLine, words } from "./words.ts";

/** What may be different about a script. */
export interface ScriptOptions {
  readonly family?: 4 | 6;
  readonly mtu?: number;
  readonly offload?: boolean;
  /** The program's initial sequence number. */
  readonly iss?: number;
  /** The first reading of the clock. */
  readonly startAt?: number;
  readonly limits?: Partial<Limits>;
  readonly tcp?: TcpSettings;
  readonly secret?: Uint8Array;
}

/** A segment of the program; what is left out is as in an ordinary ACK. */
export interface Sent {
  readonly flags?: string;
  readonly seq?: number;
  /** Relative, or left out: everything that the stack has sent so far. */
  readonly ack?: number;
  readonly window?: number;
  readonly mss?: number;
  readonly scale?: number;
  readonly sackOk?: boolean;
  readonly timestamps?: [number, number];
  readonly sack?: [number, number][];
  /** So many bytes of the program's stream, from `seq` on. */
  readonly data?: number;
  readonly sourcePort?: number;
}

/** Byte `at` (from 0) of either stream. */
export function streamByte(at: number): number {
  return (at * 7 + (at >>> 8) * 13 + 5) & 0xff;
}

/** Bytes `from` to `from + length` of either stream. */
export function streamBytes(from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => streamByte(from + i));
}

const ADDRESSES = {
  4: [parseIp("198.18.0.1")!, parseIp("203.0.113.5")!],
  6: [parseIp("fd00::1")!, parseIp("2001:db8::5")!],
} as const;

/** One run. */
export class Script {
  readonly stack: Stack;
  readonly options: ScriptOptions;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** The id of the latest request. */
  id = 0;
  now: number;
  #programIss: number;
  #stackIss = 0;
  #stackNxt = 0;
  #timestampBase: number | undefined;
  #written = 0;
  #read = 0;
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);

  constructor(options: ScriptOptions = {}) {
    this.options = options;
    const { mtu = 1500, offload = false, limits, tcp, secret = new Uint8Array(16) } = options;
    this.stack = new Stack({ mtu, offload, limits, tcp, secret });
    [this.source, this.destination] = ADDRESSES[options.family ?? 4];
    this.#programIss = options.iss ?? 1000;
    this.now = options.startAt ?? 0;
  }

  /** The stack's initial sequence number, for packets that the script does not know how to write. */
  get stackIss(): number {
    return this.#stackIss;
  }

  /** What the stack's timestamps show at time 0. */
  get timestampBase(): number {
    return this.#timestampBase ?? 0;
  }

  /** The program sends a segment. */
  send(sent: Sent): this {
    this.stack.handlePacket(...this.#encode(sent), this.now);
    return this;
  }

  /** The program opens the same ports again, with another initial sequence number. */
  renew(iss: number): this {
    this.#programIss = iss;
    this.#timestampBase = undefined;
    this.#stackNxt = this.#written = this.#read = 0;
    return this;
  }

  #encode(sent: Sent): [Uint8Array, number] {
    const { flags = "A", seq = 0, ack = this.#stackNxt, data = 0, window = 65_535 } = sent;
    const frame = encode({
      ...sent,
      window,
      source: this.source,
      destination: this.destination,
      sourcePort: sent.sourcePort ?? 40_000,
      destinationPort: 443,
      flags,
      seq: (this.#programIss + seq) >>> 0,
      ack: flags.includes("A") ? (this.#stackIss + ack) >>> 0 : 0,
      sack: sent.sack?.map((block) => block.map((n) => (this.#stackIss + n) >>> 0)) as [
        number,
        number,
      ][],
      payload: streamBytes(seq - 1, data),
    });
    return [frame, frame.length];
  }

  /** What the stack sends at this time, a line each, must be these lines. */
  expect(...lines: string[]): this {
    assertEquals(this.drain(), lines);
    return this;
  }

  /** Moves the clock to `time`, and what the stack sends meanwhile must be these lines, each with its time. */
  until(time: number, ...lines: string[]): this {
    assertEquals(this.drain(), [], "the stack has sent what the script did not expect");
    const seen: string[] = [];
    for (let due; (due = this.stack.nextTimeout()) <= time;) {
      this.now = Math.max(due, this.now);
      this.stack.handleTimeout(this.now);
      for (const line of this.drain()) seen.push(`${Math.round(this.now)}: ${line}`);
    }
    this.now = time;
    assertEquals(seen, lines);
    return this;
  }

  /** The names of the events so far must be these; the last request is remembered. */
  events(...names: string[]): this {
    const seen: string[] = [];
    for (let event; (event = this.stack.pollEvent()) !== undefined;) {
      if (event.type === "request") this.id = event.id;
      seen.push(event.type === "ended" ? `ended: ${event.reason}` : event.type);
    }
    assertEquals(seen, names);
    return this;
  }

  /** Every packet that waits, as a line. */
  drain(): string[] {
    const lines: string[] = [];
    for (let length; (length = this.stack.pollPacket(this.#frame, this.now)) > 0;) {
      lines.push(this.#line(this.#frame.slice(0, length)));
    }
    return lines;
  }

  #line(frame: Uint8Array): string {
    const packet = frame.subarray(10);
    if (packet[packet[0] >>> 4 === 4 ? 9 : 6] !== 6) return icmpLine(packet);
    const segment = decode(frame);
    const { mtu = 1500 } = this.options;
    if (segment.gsoSize === undefined) assert(packet.length <= mtu, "longer than the MTU");
    else {
      assert(
        packet.length - segment.payload.length + segment.gsoSize <= mtu,
        "piece above the MTU",
      );
    }
    if (segment.flags.includes("S")) {
      this.#stackIss = segment.seq;
      this.#timestampBase ??= (segment.timestamps?.[0] ?? 0) - this.now;
    }
    const seq = (segment.seq - this.#stackIss) | 0;
    if (segment.payload.length > 0) {
      assertEquals(segment.payload, streamBytes(seq - 1, segment.payload.length), "payload");
    }
    const taken = segment.payload.length + (/[SF]/.test(segment.flags) ? 1 : 0);
    if (!segment.flags.includes("R")) this.#stackNxt = Math.max(this.#stackNxt, seq + taken);
    return words(segment, seq, this.#programIss, this.#timestampBase ?? 0);
  }

  /** The owner of the flow accepts. */
  accept(): this {
    this.stack.accept(this.id);
    return this;
  }

  /** The owner writes the next `length` bytes of its stream. */
  write(length: number): boolean {
    const hasRoom = this.stack.write(this.id, streamBytes(this.#written, length));
    this.#written += length;
    return hasRoom;
  }

  /** The owner reads one chunk: how many bytes, or what there is instead. */
  read(): number | string {
    const found = this.stack.read(this.id);
    if (!(found instanceof Uint8Array)) return found;
    assertEquals(found, streamBytes(this.#read, found.length), "bytes read");
    this.#read += found.length;
    return found.length;
  }

  /** The owner reads all there is: how many bytes, and what there is behind them. */
  readAll(): [bytes: number, end: string] {
    for (let total = 0;;) {
      const found = this.read();
      if (typeof found === "string") return [total, found];
      total += found;
    }
  }

  /** The owner sends FIN. */
  closeWrite(): this {
    this.stack.closeWrite(this.id);
    return this;
  }

  /** The owner reads no more. */
  stopReading(): this {
    this.stack.stopReading(this.id, this.now);
    return this;
  }

  /** The only reasons for drops so far must be these. */
  drops(counts: Record<string, number> = {}): this {
    assertEquals(Object.fromEntries(this.stack.drops), counts);
    return this;
  }

  /** All is over: no flow, no deadline that still means something, no packet, no event. */
  over(): this {
    this.until(this.now + 240_000);
    assertEquals(this.stack.flowCount, 0);
    assertEquals(this.stack.nextTimeout(), Infinity);
    return this.events();
  }
}

/** The program's SYN without any option but the MSS. */
export const SYN: Sent = { flags: "S", seq: 0, mss: 1460 };

/** Fixture: the SYN waits. */
export function held(options: ScriptOptions = {}, syn: Sent = SYN): Script {
  return new Script(options).send(syn).events("request").expect();
}

/** Fixture: the SYN-ACK has left. */
export function synReceived(options: ScriptOptions = {}, syn: Sent = SYN): Script {
  const script = held(options, syn).accept();
  assertEquals(script.drain().length, 1);
  return script;
}

/** Fixture: the handshake is complete. `syn` says which options are in use. */
export function established(options: ScriptOptions = {}, syn: Sent = SYN): Script {
  const ack: Sent = { seq: 1, ack: 1, window: syn.window };
  const timestamps: [number, number] | undefined = syn.timestamps && [syn.timestamps[0], 0];
  return synReceived(options, syn).send({ ...ack, timestamps }).events("opened").expect();
}

/** Fixture: the program has sent its FIN first. */
export function closeWait(options: ScriptOptions = {}): Script {
  return established(options).send({ flags: "FA", seq: 1 }).expect("A 1 ack 2").events();
}

/** Fixture: the owner has sent its FIN first. */
export function finWait1(options: ScriptOptions = {}): Script {
  return established(options).closeWrite().expect("FA 1 ack 1");
}

/** Fixture: and the program has acknowledged it. */
export function finWait2(options: ScriptOptions = {}): Script {
  return finWait1(options).send({ seq: 1, ack: 2 }).expect();
}

/** Fixture: both FINs crossed. */
export function closing(options: ScriptOptions = {}): Script {
  return finWait1(options).send({ flags: "FA", seq: 1, ack: 1 }).expect("A 2 ack 2");
}

/** Fixture: the owner's FIN was first, both are acknowledged. */
export function timeWait(options: ScriptOptions = {}): Script {
  return finWait2(options).send({ flags: "FA", seq: 1, ack: 2 }).expect("A 2 ack 2")
    .events("ended: finished");
}

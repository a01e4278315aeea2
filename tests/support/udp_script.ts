/**
 * A timed script of associations: a program on one side, a whole stack on the other, and a clock that only the script moves.
 * Every packet of the stack goes through the naive reader.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Refusal } from "../../src/outcome.ts";
import { Stack, type StackOptions } from "../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { datagramFrame, isPiece, type NaiveDatagram, readFrame, readPieces } from "./naive_udp.ts";
import { readIcmp } from "./naive_ip.ts";

/** `length` bytes that begin with `first`. */
export function payload(first: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => first + i * 7 + (i >>> 8));
}

/** What is told of a datagram: its first byte and its length. */
function name(data: Uint8Array): string {
  return data.length === 0 ? "nothing" : `${data[0]}x${data.length}`;
}

/** One run. */
export class UdpScript {
  readonly stack: Stack;
  /** The id of the latest request. */
  id = 0;
  now = 0;
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);

  constructor(options: Partial<StackOptions> = {}) {
    const secret = new Uint8Array(16).fill(5);
    this.stack = new Stack({ mtu: 1500, offload: false, secret, ...options });
  }

  /** The program sends a datagram of `length` bytes that begin with `first`, or whatever `more` says. */
  send(first: number, length: number, more: Partial<NaiveDatagram> = {}): this {
    return this.give(datagramFrame({ data: payload(first, length), ...more }));
  }

  /** The device hands a frame over. */
  give(frame: Uint8Array): this {
    this.stack.handlePacket(frame, frame.length, this.now);
    return this;
  }

  /** The owner sends a datagram to the program. */
  answer(first: number, length: number, id: number = this.id): this {
    this.stack.associations.send(id, payload(first, length));
    return this;
  }

  /** Somebody to whom the program has not written sends it a datagram through the latest association. */
  answerFrom(hostname: string, port: number, first: number, length: number): this {
    this.stack.associations.sendFrom(this.id, { hostname, port }, payload(first, length));
    return this;
  }

  /** The owner accepts the latest request. */
  accept(): this {
    assertEquals(this.stack.associations.accept(this.id), true);
    return this;
  }

  /** The owner refuses it, or ends the association. */
  end(refusal?: Refusal): this {
    this.stack.associations.end(this.id, refusal);
    return this;
  }

  /** The names of the events so far must be these; the last request is remembered. */
  events(...names: string[]): this {
    const seen: string[] = [];
    for (let event; (event = this.stack.pollEvent()) !== undefined;) {
      if (event.type === "request") this.id = event.id;
      seen.push(event.type === "association-ended" ? `ended: ${event.reason}` : event.type);
    }
    assertEquals(seen, names);
    return this;
  }

  /** What the owner reads of the latest association must be these datagrams, and what there is behind them. */
  reads(...names: string[]): this {
    const seen: string[] = [];
    for (;;) {
      const found = this.stack.associations.read(this.id);
      seen.push(typeof found === "string" ? found : name(found));
      if (typeof found === "string") break;
    }
    assertEquals(seen, names);
    return this;
  }

  /** What the stack sends at this time, a word for each frame, must be these words. */
  expect(...words: string[]): this {
    assertEquals(this.drain(), words);
    return this;
  }

  /** Every frame that waits, as a word: its datagrams, or the type and code of ICMP. Pieces of one datagram are one word. */
  drain(): string[] {
    const words: string[] = [];
    let pieces: Uint8Array[] = [];
    for (let length; (length = this.stack.pollPacket(this.#frame, this.now)) > 0;) {
      const frame = this.#frame.slice(0, length);
      const packet = frame.subarray(10);
      if (isPiece(frame)) {
        pieces.push(frame);
        const isLast = packet[0] >>> 4 === 4 ? (packet[6] & 0x20) === 0 : (packet[43] & 1) === 0;
        if (!isLast) continue;
        words.push(`${readPieces(pieces).datagrams.map(name)} in ${pieces.length}`);
        pieces = [];
      } else if (packet[packet[0] >>> 4 === 4 ? 9 : 6] === 17) {
        words.push(readFrame(frame).datagrams.map(name).join(" "));
      } else {
        const { type, code } = readIcmp(packet);
        words.push(`icmp ${type} ${code}`);
      }
    }
    return words;
  }

  /** Moves the clock to `time`, through every deadline. */
  until(time: number): this {
    for (let due; (due = this.stack.nextTimeout()) <= time;) {
      this.now = Math.max(due, this.now);
      this.stack.handleTimeout(this.now);
    }
    this.now = time;
    return this;
  }

  /** The only reasons for drops so far must be these. */
  drops(counts: Record<string, number> = {}): this {
    assertEquals(Object.fromEntries(this.stack.drops), counts);
    return this;
  }
}

/** Fixture: an association whose first datagram, `1x10`, was read. */
export function opened(options: Partial<StackOptions> = {}): UdpScript {
  return new UdpScript(options).send(1, 10).events("request").accept().reads("1x10", "none");
}

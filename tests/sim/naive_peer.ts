/**
 * A tiny TCP of its own, which shares no code with the library: go-back-N without any option, or with SACK, window scale and
 * timestamps. It is slow and simple on purpose: one fixed timer, no congestion control, numbers as plain offsets.
 *
 * Offsets count from the SYN of either side: the SYN is 0, the first byte 1.
 *
 * @module
 */

import { decode, encode, type NaiveSegment } from "../support/naive_packet.ts";
import type { App, Socket } from "./app.ts";
import type { Host } from "./world.ts";

/** What a peer may be told. */
export interface NaivePeerOptions {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly iss: number;
  readonly mss: number;
  /** Bytes that may wait for the application. */
  readonly bufferBytes: number;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly scale?: number;
}

const RTO_MS = 400;
const MAX_RTO_MS = 3200;
/** Segments on the way at once. */
const FLIGHT_SEGMENTS = 12;

type Range = [start: number, end: number];

/** The active side of one connection. */
export class NaivePeer implements Host {
  readonly #options: NaivePeerOptions;
  readonly #app: App;
  readonly #out: NaiveSegment[] = [];
  // Sender.
  readonly #stream: number[] = [];
  #una = 0;
  #nxt = 0;
  #edge = 0;
  #closed = false;
  #sacked: Range[] = [];
  #timerAt = Infinity;
  #rto = RTO_MS;
  // Receiver.
  #peerIss: number | undefined;
  #peerScale = 0;
  #usesTimestamps = false;
  #usesSack = false;
  #usesScale = false;
  #echo = 0;
  #rcv = 0;
  #waiting: number[] = [];
  #pieces = new Map<number, number>();
  #finAt = Infinity;
  #told = 0;
  readonly #socket: Socket = {
    read: () => this.#read(),
    write: (chunk) => {
      for (const byte of chunk) this.#stream.push(byte);
      return true;
    },
    canWrite: () => this.#stream.length - this.#una < 100_000,
    closeWrite: () => void (this.#closed = true),
  };

  constructor(options: NaivePeerOptions, app: App) {
    this.#options = options;
    this.#app = app;
  }

  #read(): Uint8Array | "wait" | "end" {
    if (this.#waiting.length > 0) return Uint8Array.from(this.#waiting.splice(0));
    return this.#rcv > this.#finAt ? "end" : "wait";
  }

  get #total(): number {
    return 1 + this.#stream.length + (this.#closed ? 1 : 0);
  }

  get #window(): number {
    const free = Math.max(this.#options.bufferBytes - this.#waiting.length, 0);
    const shift = this.#usesScale ? this.#options.scale! : 0;
    return Math.min(free >>> shift, 0xffff);
  }

  take(frame: Uint8Array, now: number): void {
    let segment: NaiveSegment;
    try {
      segment = decode(frame);
    } catch {
      return; // corrupted on the way
    }
    if (segment.flags.includes("R")) {
      // Once both FINs have passed, a late ACK of ours finds no flow any more.
      const isOver = this.#una === this.#total && this.#rcv > this.#finAt;
      if (!isOver) throw new Error("The stack has reset the naive peer");
      return;
    }
    if (segment.flags.includes("S")) this.#takeSyn(segment);
    if (this.#peerIss === undefined) return;
    const seq = this.#rcv + ((segment.seq - (this.#peerIss + this.#rcv)) | 0);
    const ack = this.#una + ((segment.ack - (this.#options.iss + this.#una)) | 0);
    if (segment.timestamps && seq <= this.#rcv) this.#echo = segment.timestamps[0];
    this.#takeAck(segment, ack, now);
    this.#takeData(segment, seq);
  }

  #takeSyn(segment: NaiveSegment): void {
    this.#peerIss ??= segment.seq;
    this.#rcv = Math.max(this.#rcv, 1);
    this.#usesScale = segment.scale !== undefined;
    this.#peerScale = segment.scale ?? 0;
    this.#usesSack = segment.sackOk === true;
    this.#usesTimestamps = segment.timestamps !== undefined;
  }

  #takeAck(segment: NaiveSegment, ack: number, now: number): void {
    if (ack > this.#total) throw new Error("The stack acknowledges what was never sent");
    const scale = segment.flags.includes("S") ? 0 : this.#peerScale;
    this.#edge = Math.max(this.#edge, ack + segment.window * 2 ** scale);
    for (const block of segment.sack ?? []) {
      const [start, end] = block.map((n) =>
        this.#una + ((n - (this.#options.iss + this.#una)) | 0)
      );
      if (start >= end || end > this.#nxt) throw new Error(`The stack reports ${start}-${end}`);
      this.#sacked.push([start, end]);
    }
    if (ack <= this.#una) return;
    this.#una = ack;
    this.#nxt = Math.max(this.#nxt, ack);
    this.#sacked = this.#sacked.filter(([, end]) => end > ack);
    this.#rto = RTO_MS;
    this.#timerAt = this.#una < this.#nxt ? now + this.#rto : Infinity;
  }

  #takeData(segment: NaiveSegment, seq: number): void {
    const { payload, flags } = segment;
    const hasFin = flags.includes("F");
    if (payload.length === 0 && !hasFin && !flags.includes("S")) return;
    this.#told = -1; // wants an ACK
    if (hasFin) this.#finAt = seq + payload.length;
    const isNext = seq <= this.#rcv && seq + payload.length > this.#rcv;
    if (isNext || this.#usesSack) {
      const room = this.#rcv + this.#options.bufferBytes - this.#waiting.length;
      payload.forEach((byte, i) => {
        if (seq + i >= this.#rcv && seq + i < room) this.#pieces.set(seq + i, byte);
      });
    }
    for (let byte; (byte = this.#pieces.get(this.#rcv)) !== undefined;) {
      this.#pieces.delete(this.#rcv++);
      this.#waiting.push(byte);
    }
    if (this.#rcv === this.#finAt) this.#rcv++;
  }

  wake(now: number): void {
    if (now < this.#timerAt) return;
    // Go back: everything beyond the last acknowledgment goes again, but what was reported.
    this.#nxt = this.#una;
    this.#rto = Math.min(this.#rto * 2, MAX_RTO_MS);
    this.#timerAt = Infinity;
    // One byte beyond a closed window: the probe.
    if (this.#una > 0 && this.#edge <= this.#una) this.#edge = this.#una + 1;
  }

  nextTimeout(): number {
    return Math.min(this.#timerAt, this.#app.nextTimeout());
  }

  poll(now: number): Uint8Array[] {
    if (this.#una > 0 && this.#peerIss !== undefined) this.#app.pump(this.#socket, now);
    this.#sendData(now);
    const isWindowUpdate = this.#rcv <= this.#finAt && this.#told === 0 && this.#window > 0;
    if (this.#peerIss !== undefined && (this.#told < 0 || isWindowUpdate)) {
      this.#send("A", this.#nxt, 0, now);
    }
    return this.#out.splice(0).map(encode);
  }

  #sendData(now: number): void {
    const { mss } = this.#options;
    if (this.#una === 0) {
      if (this.#nxt === 0) {
        this.#nxt = 1;
        this.#send("S", 0, 0, now);
      }
    } else {
      const limit = Math.min(this.#edge, this.#una + FLIGHT_SEGMENTS * mss, this.#total);
      while (this.#nxt < limit) {
        const covering = this.#sacked.find(([start, end]) => start <= this.#nxt && this.#nxt < end);
        if (covering) {
          this.#nxt = covering[1];
          continue;
        }
        const dataEnd = 1 + this.#stream.length;
        const length = Math.max(Math.min(mss, limit - this.#nxt, dataEnd - this.#nxt), 0);
        const withFin = this.#closed && this.#nxt + length === dataEnd && limit > dataEnd;
        this.#send(withFin ? "FA" : "A", this.#nxt, length, now);
        this.#nxt += length + (withFin ? 1 : 0);
      }
    }
    const waits = this.#una < this.#nxt || (this.#una < this.#total && this.#edge <= this.#una);
    if (waits && this.#timerAt === Infinity) this.#timerAt = now + this.#rto;
  }

  #send(flags: string, seq: number, length: number, now: number): void {
    const { source, destination, iss, mss, sack, timestamps, scale } = this.#options;
    const isSyn = flags === "S";
    const window = isSyn ? Math.min(this.#options.bufferBytes, 0xffff) : this.#window;
    const blocks = this.#usesSack ? this.#blocks() : [];
    this.#told = window;
    this.#out.push({
      source,
      destination,
      sourcePort: 40_000,
      destinationPort: 443,
      seq: (iss + seq) >>> 0,
      ack: isSyn ? 0 : (this.#peerIss! + this.#rcv) >>> 0,
      flags,
      window,
      mss: isSyn ? mss : undefined,
      sackOk: isSyn && sack,
      scale: isSyn ? scale : undefined,
      timestamps: (isSyn ? timestamps : this.#usesTimestamps)
        ? [Math.floor(now) >>> 0, this.#echo]
        : undefined,
      sack: blocks,
      payload: Uint8Array.from(this.#stream.slice(seq - 1, seq - 1 + length)),
    });
  }

  #blocks(): Range[] {
    const blocks: Range[] = [];
    for (const at of [...this.#pieces.keys()].sort((a, b) => a - b)) {
      const last = blocks.at(-1);
      if (last && last[1] === at) last[1]++;
      else blocks.push([at, at + 1]);
    }
    return blocks.slice(0, 3)
      .map((block) => block.map((n) => (this.#peerIss! + n) >>> 0) as Range);
  }
}

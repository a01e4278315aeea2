/**
 * What both ends do with a connection: write so many bytes, read the other's, compare each, close.
 *
 * @module
 */

import type { Random } from "./link.ts";

/** What an application sees of TCP. */
export interface Socket {
  read(): Uint8Array | "wait" | "end" | "reset";
  /** False when the next write should wait until `canWrite`. */
  write(chunk: Uint8Array): boolean;
  canWrite(): boolean;
  closeWrite(): void;
}

/** How an application behaves. */
export interface AppOptions {
  /** Tells the streams of both sides apart. */
  readonly side: number;
  readonly sendBytes: number;
  readonly expectBytes: number;
  readonly maxWriteBytes: number;
  /** Pauses between reads and between writes; 0 for none. */
  readonly readPauseMs: number;
  readonly writePauseMs: number;
  /** Sends nothing before the other side has ended: a server that answers to a half-closed request. */
  readonly answers: boolean;
}

/** Byte `at` of the stream that `side` sends. */
export function patternByte(side: number, at: number): number {
  return (at * 31 + (at >>> 8) * 17 + (at >>> 16) * 59 + side * 101) & 0xff;
}

/** One application. */
export class App {
  received = 0;
  hasEnd = false;
  hasClosed = false;
  readonly options: AppOptions;
  readonly #random: Random;
  #isStopped = false;
  #sent = 0;
  #nextRead = 0;
  #nextWrite = 0;
  #sleepsUntil = Infinity;

  constructor(options: AppOptions, random: Random) {
    this.options = options;
    this.#random = random;
  }

  /** It has said and heard everything. */
  get isDone(): boolean {
    return this.hasEnd && this.hasClosed;
  }

  /** Does nothing from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#sleepsUntil = Infinity;
  }

  /** How far it got, for a failure. */
  describe(): string {
    const { side, sendBytes, expectBytes } = this.options;
    return `side ${side} sent ${this.#sent} of ${sendBytes}, read ${this.received} of ${expectBytes}`;
  }

  /** When it wants to be pumped again by itself. */
  nextTimeout(): number {
    return this.#sleepsUntil;
  }

  /** Does what can be done at this time. */
  pump(socket: Socket, now: number): void {
    if (this.#isStopped) return;
    this.#sleepsUntil = Infinity;
    this.#readSome(socket, now);
    if (!this.options.answers || this.hasEnd) this.#writeSome(socket, now);
  }

  #readSome(socket: Socket, now: number): void {
    while (!this.hasEnd) {
      if (now < this.#nextRead) return this.#sleep(this.#nextRead);
      const found = socket.read();
      if (found === "wait") return;
      if (found === "reset") throw new Error(`Side ${this.options.side} was reset`);
      if (found === "end") return this.#end();
      this.#compare(found);
      if (this.options.readPauseMs > 0) {
        this.#nextRead = now + this.#random() * 2 * this.options.readPauseMs;
      }
    }
  }

  #compare(bytes: Uint8Array): void {
    const other = 1 - this.options.side;
    for (const byte of bytes) {
      const at = this.received++;
      if (byte !== patternByte(other, at)) {
        throw new Error(`Side ${this.options.side} read a wrong byte at ${at}`);
      }
    }
  }

  #end(): void {
    this.hasEnd = true;
    const { side, expectBytes } = this.options;
    if (this.received !== expectBytes) {
      throw new Error(`Side ${side} read ${this.received} bytes instead of ${expectBytes}`);
    }
  }

  #writeSome(socket: Socket, now: number): void {
    const { side, sendBytes, maxWriteBytes, writePauseMs } = this.options;
    while (this.#sent < sendBytes && socket.canWrite()) {
      if (now < this.#nextWrite) return this.#sleep(this.#nextWrite);
      const wanted = 1 + Math.floor(this.#random() * maxWriteBytes);
      const length = Math.min(wanted, sendBytes - this.#sent);
      const start = this.#sent;
      socket.write(Uint8Array.from({ length }, (_, i) => patternByte(side, start + i)));
      this.#sent += length;
      if (writePauseMs > 0) this.#nextWrite = now + this.#random() * 2 * writePauseMs;
    }
    if (this.#sent === sendBytes && !this.hasClosed) {
      this.hasClosed = true;
      socket.closeWrite();
    }
  }

  #sleep(until: number): void {
    this.#sleepsUntil = Math.min(this.#sleepsUntil, until);
  }
}

/**
 * One stream of HTTP/2 as a `node:stream` duplex of the bytes behind the head. An end is END_STREAM, and what breaks is destroyed, which is
 * RST_STREAM: the two never look alike, here and at the peer.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { concatBytes } from "../bytes.ts";
import { ERROR } from "../masque/h2/codes.ts";
import type { H2Machine } from "../masque/h2/machine.ts";
import type { AfterHead, StreamHandler, StreamState } from "../masque/h2/stream_state.ts";
import type { Field } from "../masque/fields/field.ts";

/** The duplex holds one piece ahead of whoever reads it: what waits here meanwhile is joined where it follows on, without a copy. */
const READ_AHEAD_BYTES = 1;

/** Written ahead of what leaves. */
const WRITE_AHEAD_BYTES = 65_536;

/** The longest piece handed over. */
const MAX_PIECE_BYTES = 65_536;

/** Shorter pieces are joined before they are handed over: each costs a turn of the duplex. */
const SHORT_BYTES = 8_192;

/** A view keeps the whole of its memory. One that has to wait, and is a smaller part of it than this, is copied. */
const WORTHY_SHARE = 1 / 4;

/** Why a stream is over before its end. */
export class StreamBroken extends Error {
  /** `StreamBroken`. */
  override readonly name = "StreamBroken";
  /** What RST_STREAM said, or is to say. */
  readonly code: number;

  /** `message` is half a sentence that begins with "it". */
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly machine: H2Machine;
  /** The code of a stream that is broken off without another one. */
  readonly resetCode: number;
  /** There is something to be sent. */
  wake(): void;
  /** The machine has forgotten this stream, which lives on until both of its directions have ended, or the connection has. */
  forgotten(stream: H2Stream): void;
  /** Something came for this stream: calls its `deliver` once the chunk is through. */
  touched(stream: H2Stream): void;
}

/** Takes heads: `head` for one that others follow. */
export type TakeHead = (fields: readonly Field[]) => AfterHead;

/** One stream. */
export class H2Stream implements StreamHandler {
  /** The bytes behind the head, in both directions. */
  readonly duplex: Duplex;
  /** Settles when the last head was read, rejects with a {@linkcode StreamBroken} when none comes. */
  readonly answered: Promise<void>;
  readonly #host: StreamHost;
  readonly #takeHead: TakeHead;
  readonly #gotHead = Promise.withResolvers<void>();
  #state: StreamState | undefined;
  #wants = false;
  /** What came and was not handed over. */
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** Nobody wants what comes any more. */
  #isDeaf = false;
  /** The peer has said all that it had to say, and takes no more. */
  #refusal: StreamBroken | undefined;
  /** Of a write, or of the end, that is under way. */
  #done: ((error?: Error | null) => void) | undefined;

  /** Has to be given its state at once ({@linkcode attach}). */
  constructor(host: StreamHost, takeHead: TakeHead) {
    this.#host = host;
    this.#takeHead = takeHead;
    this.answered = this.#gotHead.promise;
    this.answered.catch(() => {});
    this.duplex = new Duplex({
      readableHighWaterMark: READ_AHEAD_BYTES,
      writableHighWaterMark: WRITE_AHEAD_BYTES,
      read: () => {
        this.#wants = true;
        this.deliver();
      },
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.#refusal !== undefined) return done(this.#refusal);
        this.#done = done;
        this.#host.machine.write(this.#state!, chunk);
        this.#host.wake();
      },
      final: (done) => {
        // It went together with the head, or nobody waits for it.
        if (this.#state!.hasEndedOut || this.#refusal !== undefined) return done();
        this.#done = done;
        this.#host.machine.endWrite(this.#state!);
        this.#host.wake();
      },
      destroy: (error, done) => {
        this.#close(error);
        setImmediate(() => done(error)); // `close` a turn later, when whoever ended it has heard that it did
      },
    });
    this.duplex.on("error", () => {}); // `close` follows, and says as much
  }

  /** Its number. */
  get id(): number {
    return this.#state!.id;
  }

  /** Makes it the stream of `state`. */
  attach(state: StreamState): void {
    this.#state = state;
  }

  /** Sends a head. */
  sendHead(fields: Iterable<Field>): void {
    this.#host.machine.sendHead(this.#state!, fields);
    this.#host.wake();
  }

  /** Breaks both directions off, because of `reason`. */
  breakOff(reason: string, code: number = this.#host.resetCode): void {
    this.duplex.destroy(new StreamBroken(reason, code));
  }

  /** Nothing more is read, and that is no fault: the answer has been given. */
  stopReading(): void {
    if (this.#isDeaf || this.#state!.hasEndedIn) return void this.duplex.resume();
    this.#isDeaf = true;
    this.deliver();
    this.duplex.push(null);
    this.duplex.resume();
  }

  /** A head came. */
  head(fields: readonly Field[]): AfterHead {
    const next = this.#takeHead(fields);
    if (next === "tunnel" || next === "content") this.#gotHead.resolve();
    return next;
  }

  /** Bytes came. */
  data(bytes: Uint8Array<ArrayBuffer>): void {
    const mustWait = !this.#wants || this.duplex.readableLength > 0;
    const isWorthy = bytes.length >= bytes.buffer.byteLength * WORTHY_SHARE;
    this.#host.touched(this);
    const last = this.#pieces.at(-1);
    const joined = last && joinNeighbours(last, bytes);
    if (joined !== undefined) this.#pieces[this.#pieces.length - 1] = joined;
    else this.#pieces.push(mustWait && !isWorthy ? bytes.slice() : bytes);
  }

  /** The peer has ended its direction. */
  end(): void {
    this.#host.touched(this);
  }

  /** The peer, or the connection, has broken it off. */
  broken(code: number, reason: string): void {
    const broken = new StreamBroken(reason, code);
    const isWhole = code === ERROR.NO_ERROR && this.#state!.hasEndedIn;
    if (!isWhole) return this.#breakBehindBytes(broken);
    // RFC 9113, section 8.1: an answer that is whole may be followed by a reset that only says "no more of the request". It is read to its
    // end, and a tunnel is half-closed by it: it harms nobody who has no more to say.
    this.#refusal = broken;
    this.#host.forgotten(this);
    if (this.#state!.phase === "tunnel" && this.#done === undefined) return;
    if (this.duplex.readableEnded) return void this.duplex.destroy(broken);
    this.duplex.once("end", () => this.duplex.destroy(broken));
  }

  /** What came before the reset goes first, as far as somebody reads: the program would have had it, too. */
  #breakBehindBytes(broken: StreamBroken): void {
    this.deliver();
    setImmediate(() => this.duplex.destroy(broken));
  }

  /** What was written is on its way. */
  sent(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /** Hands over what came, as far as somebody reads. */
  deliver(): void {
    if (this.#isDeaf) {
      for (const { length } of this.#pieces.splice(0)) {
        this.#host.machine.consume(this.#state!, length);
      }
      return;
    }
    while (this.#wants && this.#pieces.length > 0) {
      const chunk = this.#next();
      this.#wants = this.duplex.push(chunk);
      this.#host.machine.consume(this.#state!, chunk.length);
      this.#host.wake();
    }
    if (this.#pieces.length === 0 && this.#state!.hasEndedIn && !this.duplex.destroyed) {
      this.duplex.push(null);
    }
  }

  /** The next piece, or several short ones. */
  #next(): Uint8Array<ArrayBuffer> {
    const pieces = this.#pieces;
    let count = 0;
    let length = 0;
    while (count < pieces.length && pieces[count].length < SHORT_BYTES) {
      if (length + pieces[count].length > MAX_PIECE_BYTES) break;
      length += pieces[count++].length;
    }
    return count < 2 ? pieces.shift()! : concatBytes(pieces.splice(0, count));
  }

  /** Everything is over: in order when both directions have ended. */
  #close(error: Error | null): void {
    this.#pieces = [];
    this.#gotHead.reject(error ?? new StreamBroken("the request was given up", ERROR.CANCEL));
    const done = this.#done;
    this.#done = undefined;
    done?.(error ?? new StreamBroken("the stream was broken off", ERROR.CANCEL));
    if (this.#state === undefined) return;
    const code = error instanceof StreamBroken ? error.code : this.#isDeaf && error === null // RFC 9113, section 8.1: the answer is whole, and nobody wants the rest of the request
      ? ERROR.NO_ERROR
      : this.#host.resetCode;
    this.#host.machine.reset(this.#state, code);
    this.#host.wake();
  }
}

/** Two pieces as one where the second begins in memory where the first ends, as those of one frame do. */
function joinNeighbours(
  first: Uint8Array<ArrayBuffer>,
  second: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  const length = first.length + second.length;
  const follows = first.buffer === second.buffer &&
    first.byteOffset + first.length === second.byteOffset;
  if (!follows || length > MAX_PIECE_BYTES) return undefined;
  return new Uint8Array(first.buffer, first.byteOffset, length);
}

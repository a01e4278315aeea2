/**
 * One request stream (RFC 9114, section 4) as a `node:stream` duplex of the bytes behind the head. An end is an end, and what breaks is
 * destroyed: the two never look alike, here and at the peer.
 *
 * That last part is work, because the runtime sends no RESET_STREAM: it ends a stream that is dropped as if all had been said. A peer of our own
 * is told on the control stream (`RESET_TUNNEL`), is asked to stop (STOP_SENDING), and sees the stream end in the middle of a frame; it takes any
 * of the three for the reset that they mean. Another peer is asked to stop, at the latest when it says something (a read that is under way keeps the
 * runtime from asking), which many answer with a reset of their own, and then our end is one, too. Where that does not come, the stream is held open and says nothing any more: the connection takes no further ones, and its end is
 * the reset. Half a frame would be quicker, but by section 7.1 of the RFC it breaks every other tunnel of the connection.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { ERROR, fault, FRAME, greaseNumber, type H3Fault } from "../masque/h3/codes.ts";
import type { Field } from "../masque/fields/field.ts";
import { encodeFieldSection } from "../masque/h3/field_section.ts";
import {
  CUT_OFF,
  encodeFrame,
  MAX_FRAME_HEADER_BYTES,
  setFrameHeader,
} from "../masque/h3/frame_reader.ts";
import { MessageReader } from "../masque/h3/message_reader.ts";
import { setQuarterStreamId } from "../masque/datagram.ts";
import { setVarint, varintLength } from "../masque/varint.ts";
import { concatBytes } from "../bytes.ts";

/** What a peer that knows nothing of us gets to answer STOP_SENDING: four round trips of a slow way. */
const ANSWER_MS = 2_000;

/** A frame that nobody knows and everybody skips (section 7.2.8): writing it tells whether the peer has stopped us. */
const PROBE = encodeFrame(greaseNumber(0), new Uint8Array(0));

/** What the runtime needs to tell. */
const PROBE_MS = 100;

/** Pieces of a chunk above which joining them costs less than handing them over one by one. */
const MANY_PIECES = 3;

/** Payload that is copied behind its frame header, so that both leave in one write; longer ones go by themselves. */
const MAX_JOINED_BYTES = 16 * 1024;

/** Datagrams that may come before the head that opens the tunnel. */
const MAX_EARLY_DATAGRAMS = 16;

/** Why a stream is over before its end. */
export class StreamBroken extends Error {
  /** `StreamBroken`. */
  override readonly name = "StreamBroken";
  /** The code of the peer's RESET_STREAM or STOP_SENDING; absent for everything else. */
  readonly code: number | undefined;

  /** `message` is half a sentence that begins with "it". */
  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly maxHeadBytes: number;
  /** The peer knows our way of saying that a tunnel was broken off. */
  readonly knowsResets: boolean;
  /** Says on the control stream that this tunnel is broken off. */
  announceReset(id: number): void;
  /** The peer broke the rules: closes the connection. */
  fail(fault: H3Fault): void;
  /** The peer said something. */
  heard(): void;
  /** Sends a datagram when it fits, and says whether. */
  sendDatagram(bytes: Uint8Array, onLost: () => void): boolean;
  /** This stream, which was broken off, has to stay as it is: its end would be taken for one in order. */
  hold(stream: H3Stream): void;
  /** Calls back after so long, unless the connection is over by then. */
  later(ms: number, callback: () => void): void;
  /** It is over. */
  closed(stream: H3Stream): void;
}

/** Takes field sections: `head` for one that others follow, see {@linkcode MessageReader}. */
export type TakeHead = (
  fields: readonly Field[],
) => "head" | "tunnel" | "content" | H3Fault;

/** One request stream. */
export class H3Stream {
  readonly id: number;
  /** The bytes behind the head, in both directions. */
  readonly duplex: Duplex;
  /** Settles when the last head was read, rejects with a {@linkcode StreamBroken} when none comes. */
  readonly head: Promise<void>;
  /** Datagrams that surely did not leave. */
  lostDatagrams = 0;
  readonly #host: StreamHost;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #message: MessageReader;
  readonly #gotHead = Promise.withResolvers<void>();
  #isPumping = false;
  /** Payload of the chunk under way, in views. */
  #pieces: Uint8Array[] = [];
  #wants = true;
  #hasEndedIn = false;
  #hasEndedOut = false;
  #onDatagram: ((datagram: Uint8Array<ArrayBuffer>) => void) | undefined;
  #early: Uint8Array<ArrayBuffer>[] = [];

  /** Reads from now on until the head is there; `takeHead` is called for each field section. */
  constructor(stream: Deno.QuicBidirectionalStream, host: StreamHost, takeHead: TakeHead) {
    this.id = Number(stream.readable.id);
    this.#host = host;
    this.#reader = stream.readable.getReader();
    this.#writer = stream.writable.getWriter();
    this.#writer.closed.catch(() => {}); // the write that fails tells
    this.head = this.#gotHead.promise;
    this.head.catch(() => {});
    this.duplex = new Duplex({
      read: () => {
        this.#wants = true;
        void this.#pump();
      },
      write: (chunk: Uint8Array, _encoding, done) => this.#write(chunk, done),
      writev: (chunks: { chunk: Uint8Array }[], done) => {
        this.#write(concatBytes(chunks.map(({ chunk }) => chunk)), done);
      },
      final: (done) => this.#end(done),
      destroy: (error, done) => {
        this.#close(error);
        setImmediate(() => done(error)); // `close` a turn later, when whoever ended it has heard that it did
      },
    });
    this.duplex.on("error", () => {}); // `close` follows, and says as much
    this.#message = new MessageReader(host.maxHeadBytes, {
      head: (fields) => {
        const next = takeHead(fields);
        if (typeof next === "string" && next !== "head") this.#settleHead();
        return next;
      },
      data: (bytes) => void this.#pieces.push(bytes),
    });
    void this.#pump();
  }

  /** Sends a head. Never rejects: a stream that broke is destroyed. */
  sendHead(fields: Iterable<Field>): void {
    const frame = encodeFrame(FRAME.HEADERS, encodeFieldSection(fields));
    this.#writer.write(frame).catch((error) => this.duplex.destroy(broken(error)));
  }

  /** Sends a payload behind `context` and `prefix` as a QUIC DATAGRAM frame; false when it does not fit, so that it has to go as a capsule. */
  sendDatagram(context: number, payload: Uint8Array, prefix?: Uint8Array): boolean {
    if (this.duplex.destroyed || this.duplex.writableEnded) return false;
    const bytes = new Uint8Array(
      varintLength(this.id / 4) + varintLength(context) + (prefix?.length ?? 0) + payload.length,
    );
    let at = setVarint(bytes, setQuarterStreamId(bytes, 0, this.id), context);
    if (prefix !== undefined) {
      bytes.set(prefix, at);
      at += prefix.length;
    }
    bytes.set(payload, at);
    return this.#host.sendDatagram(bytes, () => this.lostDatagrams++);
  }

  /** Hands over HTTP Datagrams from now on, those that came before first. */
  receiveDatagrams(take: (datagram: Uint8Array<ArrayBuffer>) => void): void {
    this.#onDatagram = take;
    for (const datagram of this.#early.splice(0)) take(datagram);
  }

  /** An HTTP Datagram came for this stream. */
  takeDatagram(datagram: Uint8Array<ArrayBuffer>): void {
    if (this.duplex.destroyed) return;
    if (this.#onDatagram !== undefined) this.#onDatagram(datagram);
    else if (this.#early.length < MAX_EARLY_DATAGRAMS) this.#early.push(datagram);
  }

  /** Breaks both directions off, because of `reason`. */
  breakOff(reason: string): void {
    this.duplex.destroy(new StreamBroken(reason));
  }

  /** Nothing more is read, and that is no fault: the answer has been given. */
  stopReading(): void {
    if (this.#hasEndedIn) return;
    this.#hasEndedIn = true;
    this.#reader.cancel().catch(() => {});
    this.duplex.push(null);
    this.duplex.resume();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#wants && !this.#hasEndedIn && !this.duplex.destroyed) {
      try {
        const { value, done } = await this.#reader.read();
        if (this.#hasEndedIn || this.duplex.destroyed) break; // its end is our own doing
        this.#host.heard();
        if (done) this.#takeEnd();
        else this.#take(value);
      } catch (error) {
        const why = broken(error);
        if (why.code !== undefined) this.#host.heard();
        this.duplex.destroy(why);
      }
    }
    this.#isPumping = false;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    const found = this.#message.push(bytes);
    this.#pushPieces();
    if (found === undefined) return;
    this.duplex.destroy(new StreamBroken(found.reason));
    if (!found.isOfStream) this.#host.fail(found);
  }

  /** Many small frames in one chunk are one chunk to whoever reads. */
  #pushPieces(): void {
    const pieces = this.#pieces.splice(0);
    if (pieces.length > MANY_PIECES) this.#wants = this.duplex.push(concatBytes(pieces));
    else for (const piece of pieces) this.#wants = this.duplex.push(piece);
  }

  #takeEnd(): void {
    this.#hasEndedIn = true;
    const end = this.#message.end();
    if (end === "whole") return void this.duplex.push(null);
    const reason = end === "cut off"
      ? "it broke the stream off"
      : "it ended the stream without a word";
    this.duplex.destroy(new StreamBroken(reason));
    if (end !== "cut off" || this.#host.knowsResets) return;
    this.#host.fail(fault(ERROR.FRAME_ERROR, "it ends a stream within a frame"));
  }

  #settleHead(): void {
    this.#wants = false;
    this.#gotHead.resolve();
  }

  #write(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    const header = new Uint8Array(MAX_FRAME_HEADER_BYTES);
    const end = setFrameHeader(header, 0, FRAME.DATA, chunk.length);
    const head = header.subarray(0, end);
    const isShort = chunk.length <= MAX_JOINED_BYTES;
    if (!isShort) this.#writer.write(head).catch(() => {}); // the next one fails as well
    this.#writer.write(isShort ? concatBytes([head, chunk]) : chunk).then(
      () => done(),
      (error) => done(broken(error)),
    );
  }

  #end(done: (error?: Error | null) => void): void {
    this.#hasEndedOut = true;
    this.#writer.close().then(() => done(), (error) => done(broken(error)));
  }

  /** Everything is over: in order when both directions have ended. */
  #close(error: Error | null): void {
    this.#early = [];
    this.#gotHead.reject(error ?? new StreamBroken("the request was given up"));
    this.#host.closed(this);
    if (this.#hasEndedIn && this.#hasEndedOut) return;
    if (this.#host.knowsResets) this.#host.announceReset(this.id);
    if (!this.#hasEndedIn) this.#reader.cancel().catch(() => {}); // STOP_SENDING
    if (this.#hasEndedOut) return;
    if (this.#host.knowsResets) this.#cutOff();
    else this.#host.later(ANSWER_MS, () => this.#holdUnlessStopped());
  }

  /** Behind whatever write is under way, however long that takes. */
  #cutOff(): void {
    this.#writer.write(CUT_OFF).catch(() => {});
    this.#writer.close().catch(() => {});
  }

  #holdUnlessStopped(): void {
    let isStopped = false;
    this.#writer.write(PROBE).catch(() => isStopped = true);
    this.#host.later(PROBE_MS, () => isStopped || this.#host.hold(this));
  }
}

/** What an error of the runtime says, which is its code in words only. */
function broken(error: unknown): StreamBroken {
  if (error instanceof StreamBroken) return error;
  const { message = String(error) } = error as { message?: string };
  const code = /^(?:stream reset by peer|sending stopped by peer): error (\d+)/.exec(message)?.[1];
  const reason = code === undefined
    ? `the connection to it broke (${message})`
    : `it reset the stream (code ${code})`;
  return new StreamBroken(reason, code === undefined ? undefined : Number(code), { cause: error });
}

/**
 * What is to be sent, gathered into one buffer after the other: frames of the connection and heads first, then DATA, one frame for each stream in
 * turn.
 *
 * A write of the socket and a record of TLS cost about the same for one frame and for many, so whatever is ready leaves together.
 *
 * @module
 */

import { FLAG, FRAME, FRAME_HEADER_BYTES } from "./codes.ts";
import { setFrameHeader } from "./frames.ts";
import { NOTHING, type StreamState } from "./stream_state.ts";
import { SendWindow } from "./windows.ts";

/** The largest frame that we send, whatever the peer would take: others get their turn behind it. */
const MAX_TURN_BYTES = 65_536;

/** Where less room is left in the buffer, and more waits, the turn is put off: small frames cost the peer as much as large ones. */
const MIN_TURN_BYTES = 8_192;

/** The output of one connection. */
export class Outbound {
  /** What may be sent on all streams together. */
  readonly window: SendWindow;
  /** The largest payload of a frame that the peer takes. */
  maxFrameBytes: number;
  /** Frames that go before DATA, in order, and how much of the first has left. */
  readonly #frames: Uint8Array[] = [];
  #firstAt = 0;
  /** Streams that have something to say and room in their own window, in the order of their turns. */
  readonly #ready = new Set<StreamState>();

  /** To begin with, the peer takes so much. */
  constructor(windowBytes: number, maxFrameBytes: number) {
    this.window = new SendWindow(windowBytes);
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Frames that wait, DATA not counted. */
  get waitingFrames(): number {
    return this.#frames.length;
  }

  /** Whether {@linkcode poll} would give anything. */
  get hasOutput(): boolean {
    if (this.#frames.length > 0) return true;
    for (const stream of this.#ready) if (this.#roomOf(stream) >= 0) return true;
    return false;
  }

  /** Puts a whole frame behind those that wait. */
  say(frame: Uint8Array): void {
    this.#frames.push(frame);
  }

  /** This stream's data, end or window has changed. */
  update(stream: StreamState): void {
    const hasData = stream.pending.length > 0;
    const isReady = !stream.isBroken && (hasData ? stream.sending.left > 0 : stream.isEnding);
    if (isReady) this.#ready.add(stream);
    else this.#ready.delete(stream);
  }

  /** Writes what is ready into `buffer`, whose room must be above a frame's header, and returns how much that is. `ended` hears of each END_STREAM. */
  poll(buffer: Uint8Array, ended: (stream: StreamState) => void): number {
    let at = this.#pollFrames(buffer);
    // A stream that has had its turn goes behind the others, so this goes round until nothing is left or there is no room.
    for (const stream of this.#ready) {
      const room = this.#roomOf(stream);
      if (room < 0) continue; // the connection's window is closed, and an end needs none
      const left = buffer.length - at - FRAME_HEADER_BYTES;
      if (left < (at === 0 ? 0 : Math.min(room, MIN_TURN_BYTES))) break;
      at = this.#turn(stream, Math.min(room, left), buffer, at, ended);
      if (this.#frames.length > 0) break; // said meanwhile, and may be the beginning of a stream
    }
    return at;
  }

  #pollFrames(buffer: Uint8Array): number {
    let at = 0;
    while (this.#frames.length > 0 && at < buffer.length) {
      const [first] = this.#frames;
      const part = first.subarray(this.#firstAt, this.#firstAt + buffer.length - at);
      buffer.set(part, at);
      at += part.length;
      this.#firstAt += part.length;
      if (this.#firstAt < first.length) break;
      this.#frames.shift();
      this.#firstAt = 0;
    }
    return at;
  }

  /** Bytes that this stream may send in its turn, 0 for an end alone, -1 for nothing. */
  #roomOf({ pending, sending }: StreamState): number {
    if (pending.length === 0) return 0;
    const room = Math.min(
      pending.length,
      sending.left,
      this.window.left,
      this.maxFrameBytes,
      MAX_TURN_BYTES,
    );
    return room > 0 ? room : -1;
  }

  #turn(
    stream: StreamState,
    length: number,
    buffer: Uint8Array,
    at: number,
    ended: (stream: StreamState) => void,
  ): number {
    const { id: streamId, pending } = stream;
    const isLast = length === pending.length;
    const endsStream = isLast && stream.isEnding;
    const header = { length, type: FRAME.DATA, flags: endsStream ? FLAG.END_STREAM : 0, streamId };
    at = setFrameHeader(buffer, at, header);
    buffer.set(isLast ? pending : pending.subarray(0, length), at);
    stream.pending = isLast ? NOTHING : pending.subarray(length);
    stream.sending.take(length);
    this.window.take(length);
    this.#ready.delete(stream);
    if (endsStream) {
      stream.isEnding = false;
      stream.hasEndedOut = true;
      ended(stream);
    }
    this.update(stream);
    if (isLast) stream.handler.sent();
    return at + length;
  }
}

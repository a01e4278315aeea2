/**
 * One end of one HTTP/2 connection (RFC 9113), of either side: bytes that came go in, bytes to be sent come out, and whoever holds a stream is
 * told what happens to it.
 *
 * `handleBytes`, then `pollBytes` until it gives nothing; after a command `pollBytes` as well. A fault that it returns is the end: what it still
 * has to say (GOAWAY) is sent, and the connection closed.
 *
 * @module
 */

import type { Field } from "../fields/field.ts";
import { DEFAULT_WINDOW_BYTES, ERROR, FRAME, type H2Fault, PREFACE } from "./codes.ts";
import { encodeFrame, encodeHeaders, encodeNumbers } from "./frames.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { Inbound } from "./inbound.ts";
import type { MachineEvents, MachineOptions } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { DEFAULT_SETTINGS, encodeSettings, type H2Settings } from "./settings.ts";
import { type StreamHandler, StreamState } from "./stream_state.ts";
import { StreamTable } from "./stream_table.ts";

/** One end. */
export class H2Machine {
  readonly #options: MachineOptions;
  readonly #streams = new StreamTable();
  readonly #encoder = new HpackEncoder();
  readonly #outbound = new Outbound(DEFAULT_WINDOW_BYTES, DEFAULT_SETTINGS.maxFrameBytes);
  readonly #inbound: Inbound;
  #hasFailed = false;

  /** Says its preface and its settings first. */
  constructor(options: MachineOptions, events: MachineEvents) {
    this.#options = options;
    const { side, settings, windowBytes } = options;
    const isClient = side === "client";
    this.#inbound = new Inbound(options, events, this.#streams, this.#outbound);
    if (isClient) this.#outbound.say(PREFACE);
    this.#outbound.say(encodeFrame(FRAME.SETTINGS, 0, 0, encodeSettings(settings, isClient)));
    const more = windowBytes - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.#outbound.say(encodeNumbers(FRAME.WINDOW_UPDATE, 0, more));
  }

  /** What the peer has said about itself so far. */
  get peer(): H2Settings {
    return this.#inbound.peer;
  }

  /** Streams that are open, in one direction at least. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Whether {@linkcode pollBytes} would give anything. */
  get hasOutput(): boolean {
    return this.#outbound.hasOutput;
  }

  /** Bytes of the peer's came, at `now` milliseconds. */
  handleBytes(chunk: Uint8Array<ArrayBuffer>, now: number): H2Fault | undefined {
    if (this.#hasFailed) return undefined;
    const fault = this.#inbound.push(chunk, now);
    if (fault !== undefined) this.goAway(fault.code, fault.reason);
    this.#hasFailed = fault !== undefined;
    return fault;
  }

  /** Writes what is to be sent into `buffer`, and returns how much that is. */
  pollBytes(buffer: Uint8Array): number {
    return this.#outbound.poll(buffer, this.#settle);
  }

  /** Opens a stream with a request; `undefined` when there are no numbers left. How many the peer allows is the caller's to mind. */
  open(
    fields: Iterable<Field>,
    endStream: boolean,
    handler: StreamHandler,
  ): StreamState | undefined {
    const id = this.#streams.nextId;
    if (id === undefined) return undefined;
    const { initialWindowBytes } = this.#options.settings;
    const stream = new StreamState(id, this.peer.initialWindowBytes, initialWindowBytes);
    stream.handler = handler;
    this.#streams.add(stream);
    this.sendHead(stream, fields, endStream);
    return stream;
  }

  /** Sends a head on a stream. */
  sendHead(stream: StreamState, fields: Iterable<Field>, endStream: boolean = false): void {
    if (stream.isBroken || stream.hasEndedOut) return;
    const block = this.#encoder.encode(fields);
    const { maxFrameBytes } = this.#outbound;
    for (const frame of encodeHeaders(stream.id, block, endStream, maxFrameBytes)) {
      this.#outbound.say(frame);
    }
    stream.hasHead = true;
    stream.hasEndedOut = endStream;
    this.#settle(stream);
  }

  /** Sends bytes, which must stay as they are until the handler's `sent`; one write at a time. */
  write(stream: StreamState, bytes: Uint8Array): void {
    if (stream.pending.length > 0 || stream.isEnding || stream.hasEndedOut) {
      throw new TypeError(
        `Cannot write to stream ${stream.id}: wait for its last write, and not behind its end`,
      );
    }
    if (stream.isBroken) return;
    stream.pending = bytes;
    this.#outbound.update(stream);
  }

  /** Ends our direction behind what was written. The handler hears `sent` once more. */
  endWrite(stream: StreamState): void {
    if (stream.isBroken || stream.hasEndedOut) return;
    stream.isEnding = true;
    this.#outbound.update(stream);
  }

  /** So many bytes that came on a stream were taken by whoever reads it. */
  consume(stream: StreamState, count: number): void {
    this.#inbound.consume(stream, count);
  }

  /** Breaks a stream off. Its handler is not told. */
  reset(stream: StreamState, code: number): void {
    if (stream.isBroken || (stream.hasEndedIn && stream.hasEndedOut)) return;
    this.#outbound.say(encodeNumbers(FRAME.RST_STREAM, stream.id, code));
    this.#inbound.forget(stream);
  }

  /** Asks whether the peer lives. */
  ping(): void {
    this.#outbound.say(encodeFrame(FRAME.PING, 0, 0, new Uint8Array(8)));
  }

  /** Says that no further streams are taken, and why. */
  goAway(code: number = ERROR.NO_ERROR, reason: string = ""): void {
    const last = this.#options.side === "server" ? this.#streams.lastId : 0;
    const head = encodeNumbers(FRAME.GOAWAY, 0, last, code).subarray(-8);
    const text = new TextEncoder().encode(reason);
    const payload = new Uint8Array(head.length + text.length);
    payload.set(head);
    payload.set(text, head.length);
    this.#outbound.say(encodeFrame(FRAME.GOAWAY, 0, 0, payload));
    this.#inbound.hasGoneAway = true;
  }

  /** The connection is over: so is every stream, whose handlers hear of it. */
  breakAll(reason: string): void {
    this.#hasFailed = true;
    for (const stream of this.#streams.all) {
      this.#inbound.forget(stream);
      stream.handler.broken(ERROR.CANCEL, reason);
    }
  }

  /** A stream that has ended both ways is none any more. */
  readonly #settle = (stream: StreamState): void => {
    if (stream.hasEndedIn && stream.hasEndedOut) this.#streams.remove(stream);
  };
}

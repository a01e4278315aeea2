/**
 * What comes: frames of the peer's, held against the rules (RFC 9113, sections 5 and 6) and handed to the streams they are for.
 *
 * @module
 */

import { equalBytes } from "../../bytes.ts";
import { ERROR, fault, FLAG, FRAME, type H2Fault, PREFACE } from "./codes.ts";
import { FrameReader } from "./frame_reader.ts";
import type { FrameHeader } from "./frame_shapes.ts";
import { blockOf, encodeFrame, encodeNumbers } from "./frames.ts";
import { PROBE, WindowGrowth } from "./growth.ts";
import { HeaderBlock } from "./header_block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { InboundControl } from "./inbound_control.ts";
import type { MachineEvents, MachineOptions } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import { Patience } from "./patience.ts";
import type { H2Settings } from "./settings.ts";
import { StreamState } from "./stream_state.ts";
import type { StreamTable } from "./stream_table.ts";
import { ReceiveWindow } from "./windows.ts";

/**
 * A stream that nobody reads must not stop the others, so the connection's window opens again for what came, not for what was read. Only when so
 * much waits to be read on all streams together, it is for what is read.
 */
const MAX_HELD_BYTES = 1 << 26;

/** The half of a connection that listens. */
export class Inbound {
  /** We have said GOAWAY: new streams are passed over. */
  hasGoneAway = false;
  readonly #options: MachineOptions;
  readonly #events: MachineEvents;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #reader: FrameReader;
  readonly #control: InboundControl;
  readonly #patience = new Patience();
  readonly #block: HeaderBlock;
  readonly #decoder: HpackDecoder;
  readonly #window: ReceiveWindow;
  readonly #growth = new WindowGrowth();
  /** Bytes of the client's preface still to come. */
  #prefaceLeft: number;
  #now = 0;
  /** The stream of the DATA frame under way, and how much of it was data so far. */
  #stream: StreamState | undefined;
  #dataBytes = 0;
  /** Came and was not consumed, on all streams; and what of the connection's window is held back because of that. */
  #heldBytes = 0;
  #withheldBytes = 0;

  /** Listens for the streams of `streams`, and answers by `outbound`. */
  constructor(
    options: MachineOptions,
    events: MachineEvents,
    streams: StreamTable,
    outbound: Outbound,
  ) {
    const { side, settings, windowBytes, maxHeadBytes } = options;
    this.#options = options;
    this.#events = events;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#block = new HeaderBlock(maxHeadBytes);
    this.#decoder = new HpackDecoder(maxHeadBytes);
    this.#window = new ReceiveWindow(windowBytes);
    this.#prefaceLeft = side === "server" ? PREFACE.length : 0;
    this.#control = new InboundControl(events, streams, outbound, this.#patience, {
      spoil: (stream, code, reason) => this.#spoil(stream.id, code, reason),
      forget: (stream) => this.forget(stream),
      pong: (payload) => this.#pong(payload),
    });
    this.#reader = new FrameReader({
      begin: (header) => this.#begin(header),
      piece: (_header, bytes) => this.#takePiece(bytes),
      frame: (header, payload) => this.#take(header, payload),
    }, settings.maxFrameBytes);
  }

  /** What the peer has said about itself so far. */
  get peer(): H2Settings {
    return this.#control.peer;
  }

  /** Takes a chunk. */
  push(chunk: Uint8Array<ArrayBuffer>, now: number): H2Fault | undefined {
    this.#now = now;
    while (this.#prefaceLeft > 0 && chunk.length > 0) {
      if (chunk[0] !== PREFACE[PREFACE.length - this.#prefaceLeft--]) {
        return fault(ERROR.PROTOCOL_ERROR, "it does not begin as HTTP/2 does");
      }
      chunk = chunk.subarray(1);
    }
    return this.#reader.push(chunk);
  }

  /** So many bytes of a stream were read. */
  consume(stream: StreamState, count: number): void {
    const held = Math.min(count, stream.heldBytes); // nothing once it was forgotten
    stream.heldBytes -= held;
    this.#heldBytes -= held;
    this.#openWindow(0);
    if (!stream.hasEndedIn && !stream.isBroken) this.#free(stream, held);
  }

  /** A stream is broken off: nothing of it counts any more. */
  forget(stream: StreamState): void {
    stream.isBroken = true;
    this.#streams.remove(stream);
    this.#growth.ended(stream);
    this.#outbound.update(stream);
    this.consume(stream, stream.heldBytes);
  }

  /** Rules about the order of frames, and the windows, for which the header is enough. */
  #begin(header: FrameHeader): H2Fault | undefined {
    const { type, streamId } = header;
    if (!this.#control.hasSettings && (type !== FRAME.SETTINGS || header.flags & FLAG.ACK)) {
      return fault(ERROR.PROTOCOL_ERROR, "it begins with another frame than SETTINGS");
    }
    const isContinuation = type === FRAME.CONTINUATION;
    if (isContinuation ? streamId !== this.#block.streamId : this.#block.streamId !== 0) {
      return fault(
        ERROR.PROTOCOL_ERROR,
        "it breaks a head into pieces that do not follow each other",
      );
    }
    if (type === FRAME.PUSH_PROMISE) {
      return fault(ERROR.PROTOCOL_ERROR, "it promises a push that nobody allowed");
    }
    if (type === FRAME.DATA) return this.#beginData(header);
  }

  #beginData({ length, streamId, flags }: FrameHeader): H2Fault | undefined {
    this.#dataBytes = 0;
    this.#stream = undefined;
    if (!this.#window.take(length)) {
      return fault(ERROR.FLOW_CONTROL_ERROR, "it sends more than the connection's window");
    }
    this.#openWindow(length);
    if (this.#streams.isIdle(streamId)) {
      return fault(ERROR.PROTOCOL_ERROR, "it sends DATA on a stream that is not open");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return undefined; // still on its way when we broke the stream off
    if (stream.hasEndedIn) {
      return this.#spoil(streamId, ERROR.STREAM_CLOSED, "it sends DATA behind the end");
    }
    if (stream.phase === "head") {
      return this.#spoil(streamId, ERROR.PROTOCOL_ERROR, "it sends DATA before a head");
    }
    if (!stream.receiving.take(length)) {
      return this.#spoil(
        streamId,
        ERROR.FLOW_CONTROL_ERROR,
        "it sends more than a stream's window",
      );
    }
    this.#stream = stream;
    if (length === 0 && !(flags & FLAG.END_STREAM)) return this.#patience.spend("empty", this.#now);
  }

  #takePiece(bytes: Uint8Array<ArrayBuffer>): H2Fault | undefined {
    this.#dataBytes += bytes.length;
    const stream = this.#stream;
    if (stream === undefined || stream.isBroken) return;
    stream.heldBytes += bytes.length;
    this.#heldBytes += bytes.length;
    if (this.#growth.came(stream, bytes.length, this.#now)) {
      this.#outbound.say(encodeFrame(FRAME.PING, 0, 0, PROBE));
    }
    stream.handler.data(bytes);
  }

  #pong(payload: Uint8Array): void {
    const grown = equalBytes(payload, PROBE) ? this.#growth.answered() : undefined;
    if (grown === undefined) return;
    this.#outbound.say(encodeNumbers(FRAME.WINDOW_UPDATE, grown.stream.id, grown.by));
  }

  #take(header: FrameHeader, payload: Uint8Array<ArrayBuffer>): H2Fault | undefined {
    switch (header.type) {
      case FRAME.DATA:
        return this.#endData(header);
      case FRAME.HEADERS: {
        const fragment = blockOf(header, payload);
        if ("code" in fragment) return fragment;
        this.#block.begin(header.streamId, (header.flags & FLAG.END_STREAM) !== 0);
        return this.#takeFragment(header, fragment);
      }
      case FRAME.CONTINUATION:
        return this.#takeFragment(header, payload);
      default:
        return this.#control.take(header, payload, this.#now);
    }
  }

  #endData({ length, flags }: FrameHeader): H2Fault | undefined {
    const stream = this.#stream;
    if (stream === undefined || stream.isBroken) return undefined;
    const padding = length - this.#dataBytes;
    if (flags & FLAG.END_STREAM) this.#takeEnd(stream);
    else if (padding > 0) {
      this.#free(stream, padding);
      if (this.#dataBytes === 0) return this.#patience.spend("empty", this.#now);
    }
  }

  #takeFragment({ flags }: FrameHeader, fragment: Uint8Array): H2Fault | undefined {
    const found = this.#block.add(fragment);
    if (found !== undefined || !(flags & FLAG.END_HEADERS)) return found;
    const { streamId, endStream } = this.#block;
    return this.#takeHead(streamId, endStream, this.#block.finish());
  }

  /** Every block is decoded, also for a stream that nobody cares about, because later ones lean on it. */
  #takeHead(id: number, endStream: boolean, block: Uint8Array): H2Fault | undefined {
    const fields = this.#decoder.decode(block);
    if (typeof fields === "object" && "code" in fields) return fields;
    const stream = this.#streams.isIdle(id) ? this.#accept(id) : this.#streams.get(id);
    if (stream === undefined) return undefined;
    if (!(stream instanceof StreamState)) return stream;
    if (stream.hasEndedIn) {
      return this.#spoil(id, ERROR.STREAM_CLOSED, "it sends a head behind the end");
    }
    if (stream.phase === "content" && endStream) return this.#takeEnd(stream); // trailers, which say nothing that is asked for
    if (stream.phase !== "head") {
      return this.#spoil(id, ERROR.PROTOCOL_ERROR, "it sends a head among data");
    }
    if (fields === "too large") {
      const { maxHeadBytes } = this.#options;
      const reason = `it sends header fields of more than ${maxHeadBytes} bytes`;
      return this.#spoil(id, ERROR.ENHANCE_YOUR_CALM, reason);
    }
    const next = stream.handler.head(fields);
    if (typeof next === "object") return this.#spoil(id, ERROR.PROTOCOL_ERROR, next.malformed);
    if (next === "head" && endStream) {
      return this.#spoil(id, ERROR.PROTOCOL_ERROR, "it ends before its answer");
    }
    stream.phase = next;
    if (endStream && !stream.isBroken) this.#takeEnd(stream);
  }

  /** A stream that the peer opens; `undefined` for one that is passed over. */
  #accept(id: number): StreamState | H2Fault | undefined {
    const { side, settings } = this.#options;
    if (side === "client" || id % 2 === 0) {
      return fault(ERROR.PROTOCOL_ERROR, `it opens stream ${id}, which is not its to open`);
    }
    this.#streams.use(id);
    if (this.hasGoneAway) return undefined;
    if (this.#streams.size >= settings.maxConcurrentStreams) {
      this.#outbound.say(encodeNumbers(FRAME.RST_STREAM, id, ERROR.REFUSED_STREAM));
      return this.#patience.spend("reset", this.#now);
    }
    const { initialWindowBytes } = this.peer;
    const stream = new StreamState(id, initialWindowBytes, settings.initialWindowBytes);
    this.#streams.add(stream);
    stream.handler = this.#events.request(stream);
    return stream;
  }

  #takeEnd(stream: StreamState): undefined {
    stream.hasEndedIn = true;
    this.#growth.ended(stream);
    if (stream.hasEndedOut) this.#streams.remove(stream);
    stream.handler.end();
  }

  /** The peer has spoilt one stream. */
  #spoil(id: number, code: number, reason: string): H2Fault | undefined {
    this.#outbound.say(encodeNumbers(FRAME.RST_STREAM, id, code));
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      this.forget(stream);
      stream.handler.broken(code, reason);
    }
    return this.#patience.spend("fault", this.#now);
  }

  #free(stream: StreamState, count: number): void {
    const increment = stream.receiving.free(count);
    if (increment > 0) this.#outbound.say(encodeNumbers(FRAME.WINDOW_UPDATE, stream.id, increment));
  }

  /** Opens the connection's window by so much, or later. */
  #openWindow(count: number): void {
    this.#withheldBytes += count;
    if (this.#heldBytes > MAX_HELD_BYTES) return;
    const increment = this.#window.free(this.#withheldBytes);
    this.#withheldBytes = 0;
    if (increment > 0) this.#outbound.say(encodeNumbers(FRAME.WINDOW_UPDATE, 0, increment));
  }
}

/**
 * What comes beside heads and DATA: settings, windows, resets, PING and GOAWAY (RFC 9113, section 6).
 *
 * @module
 */

import { getU32 } from "../../bytes.ts";
import { codeName, ERROR, fault, FLAG, FRAME, type H2Fault } from "./codes.ts";
import type { FrameHeader } from "./frame_shapes.ts";
import { encodeFrame, parseGoaway } from "./frames.ts";
import type { MachineEvents } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import type { Patience } from "./patience.ts";
import { DEFAULT_SETTINGS, type H2Settings, parseSettings } from "./settings.ts";
import type { StreamState } from "./stream_state.ts";
import type { StreamTable } from "./stream_table.ts";

/** Frames that may wait for a peer that asks and does not read; heads and resets of all its streams are far below. */
const MAX_WAITING_FRAMES = 10_000;

/** What only the whole can do. */
export interface InboundWays {
  /** The peer has spoilt this stream. */
  spoil(stream: StreamState, code: number, reason: string): H2Fault | undefined;
  /** This stream is over. */
  forget(stream: StreamState): void;
  /** A PING of ours was answered. */
  pong(payload: Uint8Array): void;
}

/** Takes frames that carry neither heads nor data. */
export class InboundControl {
  /** What the peer has said about itself so far. */
  peer: H2Settings = DEFAULT_SETTINGS;
  /** Whether it has said anything. */
  hasSettings = false;
  readonly #events: MachineEvents;
  readonly #streams: StreamTable;
  readonly #outbound: Outbound;
  readonly #patience: Patience;
  readonly #ways: InboundWays;

  /** For the streams of `streams`; answers by `outbound`. */
  constructor(
    events: MachineEvents,
    streams: StreamTable,
    outbound: Outbound,
    patience: Patience,
    ways: InboundWays,
  ) {
    this.#events = events;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#patience = patience;
    this.#ways = ways;
  }

  /** Takes a frame whose shape is right. */
  take(header: FrameHeader, payload: Uint8Array<ArrayBuffer>, now: number): H2Fault | undefined {
    switch (header.type) {
      case FRAME.SETTINGS:
        return this.#takeSettings(header, payload, now);
      case FRAME.WINDOW_UPDATE:
        return this.#takeWindow(header, getU32(payload, 0) & 0x7fff_ffff);
      case FRAME.RST_STREAM:
        return this.#takeReset(header, getU32(payload, 0), now);
      case FRAME.PING:
        if ((header.flags & FLAG.ACK) === 0) return this.#takePing(payload, now);
        return void this.#ways.pong(payload);
      case FRAME.GOAWAY:
        return this.#takeGoaway(payload);
    }
  }

  #takeSettings(
    { flags, length }: FrameHeader,
    payload: Uint8Array,
    now: number,
  ): H2Fault | undefined {
    if (flags & FLAG.ACK) {
      return length === 0
        ? undefined
        : fault(ERROR.FRAME_SIZE_ERROR, "it acknowledges SETTINGS with something in it");
    }
    const settings = parseSettings(payload, this.peer);
    if ("code" in settings) return settings;
    const growth = settings.initialWindowBytes - this.peer.initialWindowBytes;
    this.peer = settings;
    this.hasSettings = true;
    this.#outbound.maxFrameBytes = settings.maxFrameBytes;
    this.#outbound.say(encodeFrame(FRAME.SETTINGS, FLAG.ACK, 0));
    for (const stream of growth === 0 ? [] : this.#streams.all) {
      // Section 6.9.2: what was sent already counts, so a window may fall below zero.
      if (!stream.sending.change(growth)) return tooWide("a stream");
      this.#outbound.update(stream);
    }
    this.#events.settings(settings);
    return this.#patience.spend("settings", now) ?? this.#checkWaiting();
  }

  #takeWindow({ streamId }: FrameHeader, increment: number): H2Fault | undefined {
    if (streamId === 0) {
      if (increment === 0) return fault(ERROR.PROTOCOL_ERROR, "it opens a window by nothing");
      return this.#outbound.window.change(increment) ? undefined : tooWide("the connection");
    }
    if (this.#streams.isIdle(streamId)) return idle("WINDOW_UPDATE");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return undefined;
    if (increment === 0) {
      return this.#ways.spoil(stream, ERROR.PROTOCOL_ERROR, "it opens a window by nothing");
    }
    if (!stream.sending.change(increment)) {
      const { code, reason } = tooWide("a stream");
      return this.#ways.spoil(stream, code, reason);
    }
    this.#outbound.update(stream);
  }

  #takeReset({ streamId }: FrameHeader, code: number, now: number): H2Fault | undefined {
    if (this.#streams.isIdle(streamId)) return idle("RST_STREAM");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return undefined;
    this.#ways.forget(stream);
    stream.handler.broken(code, `it reset the stream (${codeName(code)})`);
    return stream.hasHead ? undefined : this.#patience.spend("reset", now);
  }

  #takePing(payload: Uint8Array, now: number): H2Fault | undefined {
    this.#outbound.say(encodeFrame(FRAME.PING, FLAG.ACK, 0, payload));
    return this.#patience.spend("ping", now) ?? this.#checkWaiting();
  }

  /** Section 6.8: whatever is above the last stream was not acted on. */
  #takeGoaway(payload: Uint8Array): undefined {
    const goaway = parseGoaway(payload);
    this.#events.goaway(goaway);
    for (const stream of this.#streams.all) {
      if (stream.id <= goaway.lastStreamId) continue;
      this.#ways.forget(stream);
      stream.handler.broken(ERROR.REFUSED_STREAM, "it is going away");
    }
  }

  #checkWaiting(): H2Fault | undefined {
    if (this.#outbound.waitingFrames <= MAX_WAITING_FRAMES) return undefined;
    return fault(ERROR.ENHANCE_YOUR_CALM, "it asks and does not read the answers");
  }
}

function idle(what: string): H2Fault {
  return fault(ERROR.PROTOCOL_ERROR, `it sends ${what} on a stream that is not open`);
}

function tooWide(of: string): H2Fault {
  return fault(ERROR.FLOW_CONTROL_ERROR, `it opens the window of ${of} beyond 2^31-1`);
}

/**
 * The peer's control stream (RFC 9114, section 6.2.1): SETTINGS first, then what little it has to say.
 *
 * @module
 */

import { ERROR, fault, FRAME, type H3Fault } from "./codes.ts";
import { encodeFrame, FrameReader } from "./frame_reader.ts";
import { type H3Settings, parseSettings } from "./settings.ts";
import { getVarint, setVarint, varintLength, varintLengthAt } from "../varint.ts";

/** The longest SETTINGS frame taken; real ones have some twenty bytes. */
const MAX_SETTINGS_BYTES = 4_096;

/** One variable-length integer. */
const MAX_ID_BYTES = 8;

/**
 * Ours, where both sides have said so in their settings: the sender has broken off the tunnel on the stream of this number. It goes over the
 * control stream because the tunnel's own may be blocked, and may have to wait for ever.
 */
export const RESET_TUNNEL = 0x5054_4352;

/** What the peer says. */
export interface ControlEvents {
  /** Once, and first. */
  settings(settings: H3Settings): H3Fault | undefined;
  /** To a client: streams of this number and above are not served. To a server: no further push. */
  goaway(id: number): void;
  /** The tunnel on this stream was broken off. */
  reset(streamId: number): void;
}

/** Reads the stream behind its type. */
export class ControlReader {
  readonly #side: "client" | "server";
  readonly #events: ControlEvents;
  readonly #frames: FrameReader;
  #hasSettings = false;
  #goaway = Infinity;
  #maxPush = -1;

  /** `side` is ours. */
  constructor(side: "client" | "server", events: ControlEvents) {
    this.#side = side;
    this.#events = events;
    this.#frames = new FrameReader({
      begin: (type) => this.#begin(type),
      frame: (type, payload) => this.#take(type, payload),
    });
  }

  /** Feeds one chunk. */
  push(chunk: Uint8Array<ArrayBuffer>): H3Fault | undefined {
    return this.#frames.push(chunk);
  }

  #begin(type: number): number | H3Fault {
    if (!this.#hasSettings) {
      if (type === FRAME.SETTINGS) return MAX_SETTINGS_BYTES;
      return fault(ERROR.MISSING_SETTINGS, "its control stream begins without SETTINGS");
    }
    switch (type) {
      case FRAME.GOAWAY:
      case FRAME.CANCEL_PUSH:
      case RESET_TUNNEL:
        return MAX_ID_BYTES;
      case FRAME.MAX_PUSH_ID:
        return this.#side === "server" ? MAX_ID_BYTES : unexpected(type);
      case FRAME.DATA:
      case FRAME.HEADERS:
      case FRAME.SETTINGS:
      case FRAME.PUSH_PROMISE:
        return unexpected(type);
      default:
        return -1;
    }
  }

  #take(type: number, payload: Uint8Array): H3Fault | undefined {
    if (type === FRAME.SETTINGS) {
      this.#hasSettings = true;
      const settings = parseSettings(payload);
      return "code" in settings ? settings : this.#events.settings(settings);
    }
    const isWhole = payload.length > 0 && varintLengthAt(payload[0]) === payload.length;
    if (!isWhole) return fault(ERROR.FRAME_ERROR, `it sends a frame of type ${type} without an id`);
    const id = getVarint(payload, 0);
    if (type === FRAME.GOAWAY) return this.#takeGoaway(id);
    if (type === RESET_TUNNEL) return void this.#events.reset(id);
    if (type === FRAME.CANCEL_PUSH) {
      // Nobody pushes here: a client never allows it, and a server of ours never does it.
      return fault(ERROR.ID_ERROR, "it cancels a push that never was");
    }
    if (id < this.#maxPush) return fault(ERROR.ID_ERROR, "it takes a MAX_PUSH_ID back");
    this.#maxPush = id;
  }

  #takeGoaway(id: number): H3Fault | undefined {
    // Section 5.2: to a client a request stream of its own, and never more than before.
    const isForeign = this.#side === "client" && id % 4 !== 0 && id !== Infinity;
    if (isForeign || id > this.#goaway) {
      return fault(ERROR.ID_ERROR, "it sends a GOAWAY with an id that cannot be");
    }
    this.#goaway = id;
    this.#events.goaway(id);
  }
}

function unexpected(type: number): H3Fault {
  return fault(ERROR.FRAME_UNEXPECTED, `it sends a frame of type ${type} on its control stream`);
}

/** A frame whose payload is one id: GOAWAY, or `RESET_TUNNEL`. */
export function encodeIdFrame(type: number, id: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(varintLength(id));
  setVarint(payload, 0, id);
  return encodeFrame(type, payload);
}

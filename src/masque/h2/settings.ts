/**
 * SETTINGS (RFC 9113, section 6.5; RFC 8441, section 3).
 *
 * @module
 */

import { getU16, getU32, setU16, setU32 } from "../../bytes.ts";
import {
  DEFAULT_WINDOW_BYTES,
  ERROR,
  fault,
  type H2Fault,
  MAX_STREAM_ID,
  MAX_WINDOW_BYTES,
} from "./codes.ts";

const ENABLE_PUSH = 0x2;
const MAX_CONCURRENT_STREAMS = 0x3;
const INITIAL_WINDOW_SIZE = 0x4;
const MAX_FRAME_SIZE = 0x5;
const MAX_HEADER_LIST_SIZE = 0x6;
const ENABLE_CONNECT_PROTOCOL = 0x8;

/** Bytes of an identifier and a value. */
const SETTING_BYTES = 6;

/** Settings taken at once; there are not a dozen, and the rest of a longer frame would be somebody's idea of work for us. */
const MAX_SETTINGS = 64;

/** Between these, both included (section 6.5.2). */
const FRAME_BYTES = { min: 2 ** 14, max: 2 ** 24 - 1 } as const;

/**
 * What a side says about itself. How large a dynamic table may be is not among it: our encoder has none, and our decoder's stays at the default.
 */
export interface H2Settings {
  /** Streams that the other side may have open at once. */
  readonly maxConcurrentStreams: number;
  /** What the other side may send on a new stream. */
  readonly initialWindowBytes: number;
  /** The largest payload of a frame that it takes. */
  readonly maxFrameBytes: number;
  /** The longest header list that it takes, which is advice (section 6.5.2). */
  readonly maxHeaderListBytes: number;
  /** A server takes extended CONNECT. */
  readonly connectProtocol: boolean;
}

/** What holds until SETTINGS come. */
export const DEFAULT_SETTINGS: H2Settings = {
  maxConcurrentStreams: MAX_STREAM_ID, // no limit but this one
  initialWindowBytes: DEFAULT_WINDOW_BYTES,
  maxFrameBytes: FRAME_BYTES.min,
  maxHeaderListBytes: Infinity,
  connectProtocol: false,
};

/** The payload of a SETTINGS frame: what differs from the default, and that nobody shall push, if `isClient`. */
export function encodeSettings(settings: H2Settings, isClient: boolean): Uint8Array<ArrayBuffer> {
  const { maxConcurrentStreams, initialWindowBytes, maxFrameBytes, maxHeaderListBytes } = settings;
  const pairs: [number, number][] = [];
  if (isClient) pairs.push([ENABLE_PUSH, 0]);
  if (maxConcurrentStreams < MAX_STREAM_ID) {
    pairs.push([MAX_CONCURRENT_STREAMS, maxConcurrentStreams]);
  }
  if (initialWindowBytes !== DEFAULT_WINDOW_BYTES) {
    pairs.push([INITIAL_WINDOW_SIZE, initialWindowBytes]);
  }
  if (maxFrameBytes !== FRAME_BYTES.min) pairs.push([MAX_FRAME_SIZE, maxFrameBytes]);
  if (maxHeaderListBytes !== Infinity) pairs.push([MAX_HEADER_LIST_SIZE, maxHeaderListBytes]);
  if (settings.connectProtocol) pairs.push([ENABLE_CONNECT_PROTOCOL, 1]);
  const bytes = new Uint8Array(pairs.length * SETTING_BYTES);
  pairs.forEach(([id, value], i) => {
    setU16(bytes, i * SETTING_BYTES, id);
    setU32(bytes, i * SETTING_BYTES + 2, value);
  });
  return bytes;
}

/**
 * What holds after a SETTINGS frame, whose length is right, where `before` held. Unknown settings are ignored, and the last value of a repeated
 * one holds.
 *
 * @example A round trip
 * ```ts
 * import { DEFAULT_SETTINGS, encodeSettings, parseSettings } from "./settings.ts";
 *
 * const bytes = encodeSettings({ ...DEFAULT_SETTINGS, maxConcurrentStreams: 100 }, true);
 * const settings = parseSettings(bytes, DEFAULT_SETTINGS);
 * if ("code" in settings || settings.maxConcurrentStreams !== 100) throw new Error("unexpected");
 * ```
 */
export function parseSettings(payload: Uint8Array, before: H2Settings): H2Settings | H2Fault {
  if (payload.length > MAX_SETTINGS * SETTING_BYTES) {
    return fault(ERROR.ENHANCE_YOUR_CALM, `it sends more than ${MAX_SETTINGS} settings`);
  }
  const after = { ...before };
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    const value = getU32(payload, at + 2);
    const found = take(after, getU16(payload, at), value, before);
    if (found !== undefined) return found;
  }
  return after;
}

function take(
  settings: { -readonly [Name in keyof H2Settings]: H2Settings[Name] },
  id: number,
  value: number,
  before: H2Settings,
): H2Fault | undefined {
  switch (id) {
    case ENABLE_PUSH:
      return value > 1 ? wrong(id, value) : undefined;
    case MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      return;
    case INITIAL_WINDOW_SIZE:
      if (value > MAX_WINDOW_BYTES) return wrong(id, value, ERROR.FLOW_CONTROL_ERROR);
      settings.initialWindowBytes = value;
      return;
    case MAX_FRAME_SIZE:
      if (value < FRAME_BYTES.min || value > FRAME_BYTES.max) return wrong(id, value);
      settings.maxFrameBytes = value;
      return;
    case MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListBytes = value;
      return;
    case ENABLE_CONNECT_PROTOCOL:
      // RFC 8441, section 3: once allowed, it stays so.
      if (value > 1 || (value === 0 && before.connectProtocol)) return wrong(id, value);
      settings.connectProtocol = value === 1;
      return;
  }
}

function wrong(id: number, value: number, code: number = ERROR.PROTOCOL_ERROR): H2Fault {
  return fault(code, `it sends the setting ${id} with the value ${value}`);
}

/**
 * SETTINGS (RFC 9114, section 7.2.4; RFC 9204, section 5; RFC 9220, section 5; RFC 9297, section 5.1).
 *
 * @module
 */

import { ERROR, fault, greaseNumber, type H3Fault } from "./codes.ts";
import { getVarint, setVarint, varintLengthAt } from "../varint.ts";

const MAX_FIELD_SECTION_SIZE = 0x6;
const ENABLE_CONNECT_PROTOCOL = 0x8;
const H3_DATAGRAM = 0x33;

/**
 * Ours: the sender of this setting takes a stream that ends in the middle of a frame for one that was reset, and knows the frame
 * `RESET_TUNNEL`. Both ends of this project send it, because the runtime under them has no RESET_STREAM to send. To everybody else it is an unknown
 * setting; the number is in the range for private use by first come (RFC 9114, section 11.2.2) and spells "PTCP".
 */
const TUNNEL_RESETS = 0x5054_4350;

/** Settings of HTTP/2 that must not come (section 7.2.4.1). */
const HTTP2_SETTINGS: ReadonlySet<number> = new Set([0x2, 0x3, 0x4, 0x5]);

/** Settings taken at most; the rest of a longer frame would be someone's idea of work for us. */
const MAX_SETTINGS = 64;

/** What a side says about itself. What it leaves out has the default. */
export interface H3Settings {
  /** The longest field section it takes, as RFC 9114, section 4.2.2, counts; unlimited unless said. */
  readonly maxFieldSectionSize: number;
  /** A server takes extended CONNECT (RFC 9220). */
  readonly connectProtocol: boolean;
  /** It takes HTTP Datagrams in QUIC DATAGRAM frames (RFC 9297). */
  readonly datagrams: boolean;
  /** It takes a stream that ends within a frame, and `RESET_TUNNEL`, for a reset. */
  readonly tunnelResets: boolean;
}

/** What holds until SETTINGS come. */
export const DEFAULT_SETTINGS: H3Settings = {
  maxFieldSectionSize: Infinity,
  connectProtocol: false,
  datagrams: false,
  tunnelResets: false,
};

/**
 * The payload of a SETTINGS frame, with one reserved setting that every peer has to ignore (section 7.2.4.1). What a peer says about dynamic tables means
 * nothing here, and ours stays at its default, zero. `grease` is any integer from 0; chance is the caller's.
 */
export function encodeSettings(settings: H3Settings, grease: number): Uint8Array<ArrayBuffer> {
  const { maxFieldSectionSize, connectProtocol, datagrams, tunnelResets } = settings;
  const pairs: [number, number][] = [[greaseNumber(grease), grease]];
  if (maxFieldSectionSize !== Infinity) pairs.push([MAX_FIELD_SECTION_SIZE, maxFieldSectionSize]);
  if (connectProtocol) pairs.push([ENABLE_CONNECT_PROTOCOL, 1]);
  if (datagrams) pairs.push([H3_DATAGRAM, 1]);
  if (tunnelResets) pairs.push([TUNNEL_RESETS, 1]);
  const bytes = new Uint8Array(pairs.length * 16);
  let at = 0;
  for (const [id, value] of pairs) at = setVarint(bytes, setVarint(bytes, at, id), value);
  return bytes.subarray(0, at);
}

/**
 * Reads the payload of a SETTINGS frame. Unknown settings are ignored.
 *
 * @example A round trip
 * ```ts
 * import { DEFAULT_SETTINGS, encodeSettings, parseSettings } from "./settings.ts";
 *
 * const bytes = encodeSettings({ ...DEFAULT_SETTINGS, datagrams: true }, 7);
 * const settings = parseSettings(bytes);
 * if ("code" in settings || !settings.datagrams || settings.connectProtocol) throw new Error("unexpected");
 * ```
 */
export function parseSettings(payload: Uint8Array): H3Settings | H3Fault {
  const values = new Map<number, number>();
  for (let at = 0; at < payload.length;) {
    const id = readVarint(payload, at);
    const value = id && readVarint(payload, id.end);
    if (id === undefined || value === undefined) {
      return fault(ERROR.FRAME_ERROR, "its SETTINGS end in the middle of a setting");
    }
    if (values.has(id.value) && id.value !== Infinity) return wrong("it sends a setting twice");
    if (HTTP2_SETTINGS.has(id.value)) return wrong(`it sends the setting ${id.value} of HTTP/2`);
    if (values.size >= MAX_SETTINGS) return wrong(`it sends more than ${MAX_SETTINGS} settings`);
    values.set(id.value, value.value);
    at = value.end;
  }
  for (const id of [ENABLE_CONNECT_PROTOCOL, H3_DATAGRAM]) {
    if ((values.get(id) ?? 0) > 1) return wrong(`it sends the setting ${id} with neither 0 nor 1`);
  }
  return {
    maxFieldSectionSize: values.get(MAX_FIELD_SECTION_SIZE) ?? Infinity,
    connectProtocol: values.get(ENABLE_CONNECT_PROTOCOL) === 1,
    datagrams: values.get(H3_DATAGRAM) === 1,
    tunnelResets: values.get(TUNNEL_RESETS) === 1,
  };
}

function wrong(reason: string): H3Fault {
  return fault(ERROR.SETTINGS_ERROR, reason);
}

function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  if (at >= bytes.length) return undefined;
  const end = at + varintLengthAt(bytes[at]);
  return end > bytes.length ? undefined : { value: getVarint(bytes, at), end };
}

/**
 * Frames to be sent (RFC 9113, section 6), and what stands in those that come.
 *
 * @module
 */

import { getU32, setU32 } from "../../bytes.ts";
import { ERROR, fault, FLAG, FRAME, FRAME_HEADER_BYTES, type H2Fault } from "./codes.ts";
import type { FrameHeader } from "./frame_shapes.ts";

/** Bytes of a stream's dependency and weight, which nobody reads (section 6.2). */
const PRIORITY_BYTES = 5;

/** Writes the header of a frame at `offset` and returns the offset of its payload. */
export function setFrameHeader(
  bytes: Uint8Array,
  offset: number,
  { length, type, flags, streamId }: FrameHeader,
): number {
  bytes[offset] = length >>> 16;
  bytes[offset + 1] = length >>> 8;
  bytes[offset + 2] = length;
  bytes[offset + 3] = type;
  bytes[offset + 4] = flags;
  setU32(bytes, offset + 5, streamId);
  return offset + FRAME_HEADER_BYTES;
}

/**
 * A whole frame.
 *
 * @example The answer to SETTINGS
 * ```ts
 * import { FLAG, FRAME } from "./codes.ts";
 * import { encodeFrame } from "./frames.ts";
 *
 * const bytes = encodeFrame(FRAME.SETTINGS, FLAG.ACK, 0);
 * if (bytes.toHex() !== "000000040100000000") throw new Error(bytes.toHex());
 * ```
 */
export function encodeFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + length);
  bytes.set(payload, setFrameHeader(bytes, 0, { length, type, flags, streamId }));
  return bytes;
}

/** A frame of one or two numbers of 32 bits: RST_STREAM, WINDOW_UPDATE, and the beginning of GOAWAY. */
export function encodeNumbers(
  type: number,
  streamId: number,
  ...numbers: readonly number[]
): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(numbers.length * 4);
  numbers.forEach((number, i) => setU32(payload, i * 4, number));
  return encodeFrame(type, 0, streamId, payload);
}

/** A header block in one HEADERS and as many CONTINUATION as the peer's largest frame asks for (section 4.3). */
export function encodeHeaders(
  streamId: number,
  block: Uint8Array,
  endStream: boolean,
  maxFrameBytes: number,
): Uint8Array<ArrayBuffer>[] {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  do {
    const part = block.subarray(at, at + maxFrameBytes);
    at += part.length;
    const isFirst = frames.length === 0;
    const flags = (at === block.length ? FLAG.END_HEADERS : 0) |
      (isFirst && endStream ? FLAG.END_STREAM : 0);
    const type = isFirst ? FRAME.HEADERS : FRAME.CONTINUATION;
    frames.push(encodeFrame(type, flags, streamId, part));
  } while (at < block.length);
  return frames;
}

/** What a HEADERS frame carries of a header block, without padding and priority. */
export function blockOf(
  { flags, streamId }: FrameHeader,
  payload: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | H2Fault {
  let start = 0;
  let padding = 0;
  if (flags & FLAG.PADDED) padding = payload[start++] ?? 0;
  if (flags & FLAG.PRIORITY) start += PRIORITY_BYTES;
  const end = payload.length - padding;
  if (start > payload.length || end < start) {
    return fault(ERROR.PROTOCOL_ERROR, `it pads HEADERS of stream ${streamId} beyond their end`);
  }
  return payload.subarray(start, end);
}

/** A GOAWAY of the peer's (section 6.8). */
export interface Goaway {
  /** No stream of ours above this one was or will be acted on. */
  readonly lastStreamId: number;
  readonly code: number;
}

/** Reads a GOAWAY whose shape is right. */
export function parseGoaway(payload: Uint8Array): Goaway {
  return { lastStreamId: getU32(payload, 0) & 0x7fff_ffff, code: getU32(payload, 4) };
}

/**
 * Where each type of frame may come, and how long it may be (RFC 9113, section 6), checked on its header alone.
 *
 * @module
 */

import { ERROR, fault, FRAME, type H2Fault } from "./codes.ts";

/** The header of a frame (section 4.1). */
export interface FrameHeader {
  /** Bytes of payload. */
  readonly length: number;
  /** One of {@linkcode FRAME}, or any other number. */
  readonly type: number;
  /** Bits of {@linkcode FLAG}. */
  readonly flags: number;
  /** 0 for the connection. */
  readonly streamId: number;
}

interface Shape {
  readonly name: string;
  /** On a stream, on none, or on either. */
  readonly place: "stream" | "connection" | "either";
  readonly minLength: number;
  readonly maxLength: number;
}

/** By type. */
const SHAPES: readonly Shape[] = [
  { name: "DATA", place: "stream", minLength: 0, maxLength: Infinity },
  { name: "HEADERS", place: "stream", minLength: 0, maxLength: Infinity },
  { name: "PRIORITY", place: "stream", minLength: 0, maxLength: Infinity }, // which nobody reads
  { name: "RST_STREAM", place: "stream", minLength: 4, maxLength: 4 },
  { name: "SETTINGS", place: "connection", minLength: 0, maxLength: Infinity },
  { name: "PUSH_PROMISE", place: "stream", minLength: 4, maxLength: Infinity },
  { name: "PING", place: "connection", minLength: 8, maxLength: 8 },
  { name: "GOAWAY", place: "connection", minLength: 8, maxLength: Infinity },
  { name: "WINDOW_UPDATE", place: "either", minLength: 4, maxLength: 4 },
  { name: "CONTINUATION", place: "stream", minLength: 0, maxLength: Infinity },
];

/** What is wrong with such a frame wherever it comes; nothing is with a type that nobody knows (section 5.5). */
export function checkShape(
  { length, type, streamId }: FrameHeader,
  maxFrameBytes: number,
): H2Fault | undefined {
  const shape = SHAPES[type];
  const name = shape?.name ?? `a frame of type ${type}`;
  if (length > maxFrameBytes) {
    return fault(ERROR.FRAME_SIZE_ERROR, `it sends ${name} of more than ${maxFrameBytes} bytes`);
  }
  if (shape === undefined) return undefined;
  if (shape.place === "stream" && streamId === 0) {
    return fault(ERROR.PROTOCOL_ERROR, `it sends ${name} on no stream`);
  }
  if (shape.place === "connection" && streamId !== 0) {
    return fault(ERROR.PROTOCOL_ERROR, `it sends ${name} on a stream`);
  }
  const isSettings = type === FRAME.SETTINGS && length % 6 !== 0;
  if (length < shape.minLength || length > shape.maxLength || isSettings) {
    return fault(ERROR.FRAME_SIZE_ERROR, `it sends ${name} of ${length} bytes`);
  }
}

/**
 * The numbers of HTTP/3 (RFC 9114, section 11.2; RFC 9204, section 8; RFC 9297, section 5), each by its registered name.
 *
 * This folder is HTTP/3 without a transport: bytes in, meaning out. `frame_reader` cuts a stream into frames, `message_reader` makes a
 * request or a response of them, `control_reader` the peer's settings and its GOAWAY; `field_section` is QPACK over `static_table`
 * and what `masque/fields` has. Never here: streams of a runtime, timers, and who connects to whom. Absent on purpose: server push,
 * priorities, and a dynamic table, whose head-of-line blocking a proxy of tunnels has no use for.
 *
 * @module
 */

/** Frame types (RFC 9114, section 7.2). */
export const FRAME = {
  DATA: 0x0,
  HEADERS: 0x1,
  CANCEL_PUSH: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  GOAWAY: 0x7,
  MAX_PUSH_ID: 0xd,
} as const;

/** Frame types of HTTP/2 that must not come (RFC 9114, section 7.2.8). */
export const HTTP2_FRAMES: ReadonlySet<number> = new Set([0x2, 0x6, 0x8, 0x9]);

/** Types of unidirectional streams (RFC 9114, section 6.2; RFC 9204, section 4.2). */
export const STREAM = { CONTROL: 0x0, PUSH: 0x1, QPACK_ENCODER: 0x2, QPACK_DECODER: 0x3 } as const;

/** Error codes of a connection or a stream (RFC 9114, section 8.1; RFC 9204, section 6; RFC 9297, section 5.2). */
export const ERROR = {
  NO_ERROR: 0x100,
  GENERAL_PROTOCOL_ERROR: 0x101,
  INTERNAL_ERROR: 0x102,
  STREAM_CREATION_ERROR: 0x103,
  CLOSED_CRITICAL_STREAM: 0x104,
  FRAME_UNEXPECTED: 0x105,
  FRAME_ERROR: 0x106,
  EXCESSIVE_LOAD: 0x107,
  ID_ERROR: 0x108,
  SETTINGS_ERROR: 0x109,
  MISSING_SETTINGS: 0x10a,
  REQUEST_REJECTED: 0x10b,
  REQUEST_CANCELLED: 0x10c,
  REQUEST_INCOMPLETE: 0x10d,
  MESSAGE_ERROR: 0x10e,
  CONNECT_ERROR: 0x10f,
  QPACK_DECOMPRESSION_FAILED: 0x200,
  QPACK_ENCODER_STREAM_ERROR: 0x201,
  QPACK_DECODER_STREAM_ERROR: 0x202,
  DATAGRAM_ERROR: 0x33,
} as const;

/** What a peer did wrong: with what to close the connection, and half a sentence for the operator that begins with "it" or "its". */
export interface H3Fault {
  /** One of {@linkcode ERROR}. */
  readonly code: number;
  /** For instance `it sends DATA on its control stream`. */
  readonly reason: string;
  /** Only one exchange is spoilt and the connection goes on (RFC 9114, section 4.1.2). */
  readonly isOfStream?: boolean;
}

/** A fault of the whole connection. */
export function fault(code: number, reason: string): H3Fault {
  return { code, reason };
}

/** A number of the reserved form `0x1f * n + 0x21`, which every peer must ignore as a type of frames, of streams, and as a setting. */
export function greaseNumber(n: number): number {
  return 0x1f * n + 0x21;
}

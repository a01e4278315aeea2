/**
 * The numbers of HTTP/2 (RFC 9113, sections 6 and 7; RFC 8441), each by its registered name.
 *
 * This folder is HTTP/2 without a transport: bytes in, meaning out, and bytes to be sent. `frame_reader` cuts the stream of bytes into frames,
 * `frame_shapes` knows how long they may be and where they may come, `frames` writes them, `hpack/` are their heads. `machine` is one end of one
 * connection: it hands what comes to its streams and gathers what they say, in turns, into one buffer; `inbound` and `outbound` are its two halves, `windows` its flow control, `patience` what it takes from a peer that means no good. Never here: sockets, timers, a clock, and who
 * connects to whom. Absent on purpose: server push, priorities, and a dynamic table of our own.
 *
 * @module
 */

/** Frame types (RFC 9113, section 6). */
export const FRAME = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags; some types share a bit. */
export const FLAG = {
  END_STREAM: 0x1,
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Error codes (section 7). */
export const ERROR = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/** What a client says first (section 3.4). */
export const PREFACE: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);

/** Bytes of a frame's header (section 4.1). */
export const FRAME_HEADER_BYTES = 9;

/** The window of a connection and of its streams until somebody says otherwise (section 6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535;

/** No window may become larger (section 6.9.1). */
export const MAX_WINDOW_BYTES: number = 2 ** 31 - 1;

/** Stream numbers are of 31 bits (section 5.1.1). */
export const MAX_STREAM_ID: number = 2 ** 31 - 1;

/** What a peer did wrong: with which code to tell it, and half a sentence for the operator that begins with "it" or "its". */
export interface H2Fault {
  /** One of {@linkcode ERROR}. */
  readonly code: number;
  /** For instance `it sends DATA before a head`. */
  readonly reason: string;
  /** Only this stream is spoilt and the connection goes on (section 5.4.2). */
  readonly streamId?: number;
}

/** A fault of the whole connection, or of the stream `streamId`. */
export function fault(code: number, reason: string, streamId?: number): H2Fault {
  return { code, reason, streamId };
}

/** The name of an error code, for the operator. */
export function codeName(code: number): string {
  return Object.entries(ERROR).find(([, value]) => value === code)?.[0] ?? `0x${code.toString(16)}`;
}

/**
 * HTTP Datagrams (RFC 9297, section 2) as UDP proxying has them (RFC 9298, section 4): a Context ID and a payload, in a DATAGRAM capsule
 * on a stream, or in a QUIC DATAGRAM frame behind a Quarter Stream ID.
 *
 * @module
 */

import { DATAGRAM_CAPSULE } from "./capsule.ts";
import { getVarint, setVarint, varintLength, varintLengthAt } from "./varint.ts";

/** The Context ID of plain UDP payloads (RFC 9298, section 4). */
export const UDP_CONTEXT = 0;

/** The longest UDP payload: the length field of UDP without its header (RFC 9298, section 5). */
export const MAX_UDP_PAYLOAD_BYTES = 65_527;

/** The longest value of a DATAGRAM capsule taken: the longest payload behind the longest Context ID. */
export const MAX_DATAGRAM_BYTES: number = MAX_UDP_PAYLOAD_BYTES + 8;

/** The Context ID at the start of an HTTP Datagram; -1 when it is cut off. A receiver that knows no such context drops the datagram. */
export function contextOf(datagram: Uint8Array): number {
  if (datagram.length === 0 || varintLengthAt(datagram[0]) > datagram.length) return -1;
  return getVarint(datagram, 0);
}

/** What stands behind the Context ID; a view. Trusts that {@linkcode contextOf} found one. */
export function payloadOf(datagram: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return datagram.subarray(varintLengthAt(datagram[0]));
}

/**
 * The header of a DATAGRAM capsule, written at `offset`: type, length and, unless `context` is undefined, a Context ID. Returns the offset of
 * the payload, of which `length` bytes must follow. Without a Context ID it is a chunk of draft-ietf-masque-connect-udp-03, section 6.
 */
export function setDatagramHeader(
  bytes: Uint8Array,
  offset: number,
  context: number | undefined,
  length: number,
): number {
  const contextLength = context === undefined ? 0 : varintLength(context);
  offset = setVarint(bytes, offset, DATAGRAM_CAPSULE);
  offset = setVarint(bytes, offset, contextLength + length);
  return context === undefined ? offset : setVarint(bytes, offset, context);
}

/** Bytes that {@linkcode setDatagramHeader} may need: a type, a length of four bytes, and any Context ID. */
export const MAX_DATAGRAM_HEADER_BYTES = 1 + 4 + 8;

/**
 * An HTTP Datagram in a DATAGRAM capsule, in an array of its own. {@linkcode CapsuleQueue} writes many into one.
 *
 * @example A UDP payload of one byte
 * ```ts
 * import { encodeDatagramCapsule } from "./datagram.ts";
 *
 * const capsule = encodeDatagramCapsule(0, new Uint8Array([7]));
 * if (capsule.join() !== "0,2,0,7") throw new Error("unexpected");
 * ```
 */
export function encodeDatagramCapsule(
  context: number | undefined,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(MAX_DATAGRAM_HEADER_BYTES);
  const end = setDatagramHeader(header, 0, context, payload.length);
  const bytes = new Uint8Array(end + payload.length);
  bytes.set(header.subarray(0, end));
  bytes.set(payload, end);
  return bytes;
}

/** The head of an HTTP Datagram in a QUIC DATAGRAM frame (RFC 9297, section 2.1), which ends where the HTTP Datagram begins. */
export interface QuicDatagramHead {
  /** The client-initiated bidirectional stream that it belongs to. */
  readonly streamId: number;
  /** Where the HTTP Datagram begins. */
  readonly length: number;
}

/** The largest Quarter Stream ID (RFC 9297, section 2.1); more is a connection error of type H3_DATAGRAM_ERROR. */
const MAX_QUARTER_STREAM_ID = 2 ** 60 - 1;

/** Reads the Quarter Stream ID; `undefined` when it is cut off, or larger than a stream can be (section 2.1: H3_DATAGRAM_ERROR). */
export function parseQuicDatagram(frame: Uint8Array): QuicDatagramHead | undefined {
  const quarter = contextOf(frame);
  // What cannot be exact as a number is above 2^53: nobody opens that many streams.
  if (quarter < 0 || quarter > MAX_QUARTER_STREAM_ID / 512) return undefined;
  return { streamId: quarter * 4, length: varintLengthAt(frame[0]) };
}

/**
 * Writes the Quarter Stream ID of `streamId` at `offset` and returns the offset behind it.
 *
 * @throws {RangeError} If no client opens a bidirectional stream of that number
 */
export function setQuarterStreamId(bytes: Uint8Array, offset: number, streamId: number): number {
  if (!Number.isSafeInteger(streamId) || streamId < 0 || streamId % 4 !== 0) {
    throw new RangeError(
      `Cannot send a datagram for the stream "${streamId}": a request stream's number is a multiple of 4`,
    );
  }
  return setVarint(bytes, offset, streamId / 4);
}

/**
 * TCP inside the Capsule Protocol (draft-ietf-httpbis-connect-tcp, sections 3 and 3.4): the payloads of DATA and FINAL_DATA capsules, one
 * behind the other, are the bytes of one direction, and FINAL_DATA is its FIN.
 *
 * So an end is a thing that is said: a stream that stops without FINAL_DATA was cut, whatever carried it, and a transfer
 * that was cut never looks complete.
 *
 * @module
 */

import { type CapsuleFault, CapsuleParser } from "./capsule.ts";

/**
 * Bytes of the direction. The value is the one for tests that drafts 08 to 11 name ("DATA-08"). Later ones (18 is with the RFC editor) register values of
 * one byte (httpwg/http-extensions#3499), which take the place of these two constants and of nothing else.
 */
export const DATA_CAPSULE = 0x2028d7f0;

/** The same, and no further ones follow ("FINAL_DATA-08"). */
export const FINAL_DATA_CAPSULE = 0x2028d7f1;

/**
 * Bytes of the header that {@linkcode setDataHeader} writes. The length takes four of them even where one would do (RFC 9000, section 16, lets
 * it), so that a buffer can be read into behind a header whose size is known before.
 */
export const DATA_HEADER_BYTES = 8;

/** The most bytes in a capsule with such a header. */
export const MAX_DATA_BYTES: number = 2 ** 30 - 1;

/** The prefix of a variable-length integer of four bytes. */
const FOUR_BYTES = 0x8000_0000;

/** Writes the header of a capsule whose payload of `length` bytes stands at `offset + DATA_HEADER_BYTES`. */
export function setDataHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  isFinal: boolean,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, DATA_HEADER_BYTES);
  view.setUint32(0, FOUR_BYTES + (isFinal ? FINAL_DATA_CAPSULE : DATA_CAPSULE));
  view.setUint32(4, FOUR_BYTES + length);
}

/**
 * One capsule with a copy of `payload`. Throws a `RangeError` when that is longer than {@linkcode MAX_DATA_BYTES}.
 *
 * @example A FIN alone
 * ```ts
 * import { encodeData } from "./tcp_capsules.ts";
 *
 * const capsule = encodeData(new Uint8Array(0), true);
 * if (capsule.toHex() !== "a028d7f180000000") throw new Error("unexpected");
 * ```
 */
export function encodeData(payload: Uint8Array, isFinal = false): Uint8Array<ArrayBuffer> {
  if (payload.length > MAX_DATA_BYTES) {
    throw new RangeError(
      `Cannot send ${payload.length} bytes in one capsule: write them in pieces`,
    );
  }
  const bytes = new Uint8Array(DATA_HEADER_BYTES + payload.length);
  setDataHeader(bytes, 0, payload.length, isFinal);
  bytes.set(payload, DATA_HEADER_BYTES);
  return bytes;
}

/** What a reader tells. */
export interface TcpCapsuleEvents {
  /** Bytes of the direction, never none; a view of the chunk. */
  data(bytes: Uint8Array<ArrayBuffer>): void;
  /** The FIN. */
  end(): void;
}

/** Reads one direction. Capsules of other types are skipped. After a fault it takes no more. */
export class TcpCapsuleReader {
  readonly #parser: CapsuleParser;
  #isFinal = false;

  /** `events` hears of bytes in the very call that brings them. */
  constructor(events: TcpCapsuleEvents) {
    this.#parser = new CapsuleParser({
      maxLength: (type) => type === DATA_CAPSULE || type === FINAL_DATA_CAPSULE ? Infinity : -1,
      capsule: () => undefined,
      piece: (type, part, left) => {
        if (this.#isFinal) return "it sends data behind its FINAL_DATA";
        if (part.length > 0) events.data(part);
        if (type !== FINAL_DATA_CAPSULE || left > 0) return;
        this.#isFinal = true;
        events.end();
      },
    });
  }

  /** Whether FINAL_DATA has come whole. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /**
   * Feeds one chunk.
   *
   * @example Three bytes in two capsules
   * ```ts
   * import { encodeData, TcpCapsuleReader } from "./tcp_capsules.ts";
   *
   * const got: (number | "FIN")[] = [];
   * const reader = new TcpCapsuleReader({
   *   data: (bytes) => void got.push(...bytes),
   *   end: () => void got.push("FIN"),
   * });
   * reader.push(encodeData(new Uint8Array([1, 2])));
   * reader.push(encodeData(new Uint8Array([3]), true));
   * if (reader.end() !== undefined || got.join() !== "1,2,3,FIN") throw new Error("unexpected");
   * ```
   */
  push(chunk: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    return this.#parser.push(chunk);
  }

  /** Says what is wrong with a stream that stops here. */
  end(): CapsuleFault | undefined {
    return this.#parser.end() ?? (this.#isFinal ? undefined : "it stops without FINAL_DATA");
  }
}

/**
 * Takes the GOAWAY frames out of a stream of HTTP/2 frames (RFC 9113, sections 4.1 and 6.8), and leaves every other byte alone.
 *
 * There is one reason for it: on a connection that has carried some tens of megabytes, `node:http2` of Deno 2.9.6 aborts the whole
 * process inside nghttp2 about every second time it reads a GOAWAY (denoland/deno#36788). So it must not read one.
 *
 * @module
 */

import { concatBytes, getU32 } from "../bytes.ts";

/** What a GOAWAY says. */
export interface Goaway {
  /** Streams above this one were not processed, and never will be. */
  readonly lastStreamId: number;
  /** The error code; 0 when nothing is wrong. */
  readonly code: number;
}

const HEADER_BYTES = 9;
const TYPE = 3;
const GOAWAY = 0x7;

/** `lastStreamId` and the code; debug data follows and is not kept. */
const KEPT_BYTES = 8;

/** The connection preface that a client sends before its first frame (section 3.4). */
export const CLIENT_PREFACE_BYTES = 24;

/** Walks over frames that come in pieces. It keeps at most a frame's header and the fixed part of a GOAWAY. */
export class GoawayFilter {
  readonly #onGoaway: (goaway: Goaway) => void;
  /** Bytes of the current frame that are still to come. */
  #left: number;
  #taking = false;
  /** The beginning of a header that was cut. */
  #header: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #goaway: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** `prefaceBytes` pass before the first frame: none from a server, {@linkcode CLIENT_PREFACE_BYTES} from a client. */
  constructor(onGoaway: (goaway: Goaway) => void, prefaceBytes = 0) {
    this.#onGoaway = onGoaway;
    this.#left = prefaceBytes;
  }

  /** Hands what is no GOAWAY to `pass`, in pieces that are views of `chunk` wherever they can be. */
  push(chunk: Uint8Array<ArrayBuffer>, pass: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    const bytes = this.#header.length === 0 ? chunk : concatBytes([this.#header, chunk]);
    this.#header = new Uint8Array(0);
    let passed = 0; // everything before is passed on or taken out
    let at = 0;
    const passTo = (end: number) => {
      if (end > passed) pass(bytes.subarray(passed, end));
    };
    for (;;) {
      const end = Math.min(at + this.#left, bytes.length);
      if (this.#taking) {
        this.#keep(bytes.subarray(at, end));
        passed = end;
      }
      this.#left -= end - at;
      at = end;
      if (this.#left > 0) break;
      this.#finish();
      if (bytes.length - at < HEADER_BYTES) {
        passTo(at);
        this.#header = bytes.slice(at);
        return;
      }
      this.#left = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      this.#taking = bytes[at + TYPE] === GOAWAY;
      if (this.#taking) {
        passTo(at);
        passed = at + HEADER_BYTES;
      }
      at += HEADER_BYTES;
    }
    passTo(at);
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#goaway.length >= KEPT_BYTES) return;
    this.#goaway = concatBytes([this.#goaway, bytes.subarray(0, KEPT_BYTES)]);
  }

  #finish(): void {
    if (!this.#taking) return;
    const goaway = this.#goaway;
    this.#taking = false;
    this.#goaway = new Uint8Array(0);
    // A shorter one is a connection error (section 6.8); the connection is going away in any case.
    const whole = goaway.length >= KEPT_BYTES;
    this.#onGoaway({
      lastStreamId: whole ? getU32(goaway, 0) & 0x7fff_ffff : 0,
      code: whole ? getU32(goaway, 4) : 1,
    });
  }
}

/**
 * The head of an HTTP/1.x answer to a CONNECT, out of bytes that come as they please (RFC 9112, sections 2 to 5).
 *
 * What stands after the head of a 2xx belongs to the tunnel, whatever `Content-Length` or `Transfer-Encoding` say
 * (RFC 9110, section 9.3.6). Lenient where the field asks for it: `HTTP/1.0`, no reason phrase, any bytes in it. Strict where two
 * readers could disagree about where the head ends: a bare CR or LF, a folded line, and a space before the colon are errors.
 *
 * @module
 */

import { concatBytes } from "../bytes.ts";

/** The head of the final answer. */
export interface ResponseHead {
  /** 200 to 599 (and whatever three digits a proxy invents above), or 101 where that was asked for. */
  readonly status: number;
  /** Names in lower case and values as sent, one byte a character, in their order. */
  readonly fields: readonly (readonly [string, string])[];
}

/** How far the parser is. */
export type HeadProgress =
  | { readonly state: "more" }
  | {
    readonly state: "done";
    readonly head: ResponseHead;
    /** What came after the head: after a 2xx, the first bytes of the tunnel. */
    readonly rest: Uint8Array<ArrayBuffer>;
  }
  | { readonly state: "error"; readonly reason: string };

/**
 * The longest sequence of heads taken, 1xx included. Apache and Squid send and take up to 64 KiB; an answer to a CONNECT
 * that needs more than a quarter of that is an attack or a mistake.
 */
export const MAX_HEAD_BYTES = 16_384;

const LF = 0x0a;
const CR = 0x0d;
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const MORE: HeadProgress = { state: "more" };

/** What differs between requests. */
export interface HeadOptions {
  /** Bounds all heads together, the 1xx ones too. */
  readonly maxBytes?: number;
  /** The request asked for an upgrade, so 101 is a final answer (RFC 9110, section 7.8). */
  readonly upgrade?: boolean;
}

/** Takes bytes until the head of the final answer is there. After `done` or `error` it takes no more. */
export class ResponseHeadParser {
  readonly #maxBytes: number;
  readonly #upgrade: boolean;
  /** Bytes of the line that has not ended. */
  #line: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Bytes taken so far; never above the limit. */
  #taken = 0;
  /** 0 until the status line of the head under way is there. */
  #status = 0;
  #fields: [string, string][] = [];
  #finished = false;

  /** Without options for the answer to a CONNECT. */
  constructor({ maxBytes = MAX_HEAD_BYTES, upgrade = false }: HeadOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#upgrade = upgrade;
  }

  /** Feeds one chunk. Throws a `TypeError` after the end, which is a mistake of the caller. */
  push(chunk: Uint8Array<ArrayBuffer>): HeadProgress {
    if (this.#finished) throw new TypeError("Cannot push after the head is complete");
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(LF, at);
      const upTo = end < 0 ? chunk.length : end + 1;
      this.#taken += upTo - at;
      if (this.#taken > this.#maxBytes) {
        return this.#fail(`its head is longer than ${this.#maxBytes} bytes`);
      }
      const piece = chunk.subarray(at, upTo);
      if (end < 0) {
        this.#line = this.#line.length === 0 ? piece.slice() : concatBytes([this.#line, piece]);
        return MORE;
      }
      const line = this.#line.length === 0 ? piece : concatBytes([this.#line, piece]);
      this.#line = new Uint8Array(0);
      at = upTo;
      const progress = this.#takeLine(line, () => chunk.subarray(at));
      if (progress !== MORE) return progress;
    }
  }

  #takeLine(line: Uint8Array, rest: () => Uint8Array<ArrayBuffer>): HeadProgress {
    const length = line.length - 2;
    if (length < 0 || line[length] !== CR) return this.#fail("a line of it ends with a bare LF");
    const text = String.fromCharCode(...line.subarray(0, length));
    if (this.#status === 0) return this.#takeStatusLine(text);
    if (text !== "") return this.#takeField(text);

    const head = { status: this.#status, fields: this.#fields };
    if (head.status >= 200 || (head.status === 101 && this.#upgrade)) {
      this.#finished = true;
      return { state: "done", head, rest: rest() };
    }
    // A 1xx head is followed by another one; 101 would end HTTP, and nobody asked for that.
    if (head.status === 101) return this.#fail("it switches to a protocol nobody asked for");
    this.#status = 0;
    this.#fields = [];
    return MORE;
  }

  #takeStatusLine(text: string): HeadProgress {
    const match = STATUS_LINE.exec(text);
    if (match === null) return this.#fail("it does not begin with an HTTP/1 status line");
    this.#status = Number(match[1]);
    return MORE;
  }

  #takeField(text: string): HeadProgress {
    const colon = text.indexOf(":");
    const name = text.slice(0, colon);
    const value = trimWhitespace(text, colon + 1);
    if (colon < 0 || !FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) {
      return this.#fail("a header line of it is malformed");
    }
    this.#fields.push([name.toLowerCase(), value]);
    return MORE;
  }

  #fail(reason: string): HeadProgress {
    this.#finished = true;
    return { state: "error", reason };
  }
}

/** Drops spaces and tabs around what follows `start`; by hand, because a pattern would need quadratic time on a line of spaces. */
function trimWhitespace(text: string, start: number): string {
  let end = text.length;
  while (start < end && (text[start] === " " || text[start] === "\t")) start++;
  while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(start, end);
}

/**
 * The head of an HTTP/1.1 request, as far as a proxy that knows CONNECT only needs it (RFC 9112). Strict: no bare LF, no folded
 * lines, no space before a colon. Each of these is a way to make two readers see two different requests.
 *
 * @module
 */

/** A request head. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** The digit behind `HTTP/1.`. */
  readonly minorVersion: number;
  /** By lower-case name; the values of a repeated field are joined with ", " (RFC 9110, section 5.3). */
  readonly fields: ReadonlyMap<string, string>;
}

const CR = 0x0d;
const LF = 0x0a;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;

/** The first bytes of an HTTP/2 connection (RFC 9113, section 3.4); made so that an HTTP/1.1 server sees a head and no known method. */
const HTTP2_PREFACE_HEAD = "PRI * HTTP/2.0\r\n\r\n";

/** The index behind the empty line that ends a head, looking from `from`; -1 when it has not come yet. */
export function findHeadEnd(bytes: Uint8Array, length: number, from: number): number {
  for (let i = Math.max(from, 3); i < length; i++) {
    if (bytes[i] === LF && bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) {
      return i + 1;
    }
  }
  return -1;
}

/** Whether a head, its empty line included, opens an HTTP/2 connection. */
export function isHttp2Preface(head: Uint8Array): boolean {
  return latin1(head) === HTTP2_PREFACE_HEAD;
}

/** Parses a head that ends with its empty line; `undefined` when any part is malformed. */
export function parseRequestHead(head: Uint8Array): RequestHead | undefined {
  const lines = latin1(head).split("\r\n");
  if (lines.pop() !== "" || lines.pop() !== "") return undefined;
  const [requestLine, ...fieldLines] = lines;
  const request = REQUEST_LINE.exec(requestLine ?? "");
  if (request === null) return undefined;
  const fields = new Map<string, string>();
  for (const line of fieldLines) {
    const match = FIELD_LINE.exec(line);
    if (match === null) return undefined;
    const name = match[1].toLowerCase();
    const value = match[2].trimEnd();
    const earlier = fields.get(name);
    fields.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { method: request[1], target: request[2], minorVersion: Number(request[3]), fields };
}

/** Bytes as characters of the same number: a head is ASCII, and a foreign byte must stay visible to the patterns above. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

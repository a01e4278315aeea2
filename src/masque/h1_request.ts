/**
 * The bytes of an HTTP/1.1 CONNECT request (RFC 9110, section 9.3.6; RFC 9112, section 3.2.3).
 *
 * Nothing a caller hands in can end a line: what could is refused, never repaired.
 *
 * @module
 */

/** A field name: a token (RFC 9110, section 5.6.2). */
const FIELD_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

/** A field value (RFC 9110, section 5.5): visible, space, tab, and obs-text as one byte a character. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** An authority can stand in the request line: visible ASCII. `formatAuthority` is stricter. */
const REQUEST_TARGET = /^[\x21-\x7e]+$/;

/**
 * Fields that a caller may not set. `host` is ours (RFC 9112, section 3.2), and the others would frame a body, which a CONNECT
 * does not have: a proxy that believed them would read the program's bytes as something else.
 */
const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "te",
  "trailer",
]);

/**
 * Encodes a CONNECT for `authority` (`host:port`) with further fields. Throws a `TypeError` on a field that cannot be sent as it is.
 *
 * @example The shortest request
 * ```ts
 * import { encodeConnect } from "./h1_request.ts";
 *
 * const text = new TextDecoder().decode(encodeConnect("example.com:443", []));
 * if (text !== "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n") throw new Error(text);
 * ```
 */
export function encodeConnect(
  authority: string,
  fields: Iterable<readonly [string, string]>,
): Uint8Array<ArrayBuffer> {
  if (!REQUEST_TARGET.test(authority)) {
    throw new TypeError(
      `Cannot ask for "${authority}": an authority is host:port without spaces or control characters`,
    );
  }
  let head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (const [name, value] of checkFields(fields)) head += `${name}: ${value}\r\n`;
  return latin1(head + "\r\n");
}

/**
 * Passes fields on when each can stand in a CONNECT of any HTTP version; throws a `TypeError` on the first that cannot.
 * The message names the field and keeps its value to itself.
 */
export function checkFields(
  fields: Iterable<readonly [string, string]>,
): (readonly [string, string])[] {
  const checked = [...fields];
  for (const [name, value] of checked) {
    if (!FIELD_NAME.test(name)) {
      throw new TypeError(`Cannot send the field "${name}": its name is not a token`);
    }
    if (RESERVED.has(name.toLowerCase())) {
      throw new TypeError(`Cannot send the field "${name}": a CONNECT has no body, leave it out`);
    }
    if (!FIELD_VALUE.test(value)) {
      throw new TypeError(
        `Cannot send the field "${name}": its value holds a character that no field carries`,
      );
    }
  }
  return checked;
}

/** Text of ASCII and obs-text as bytes, one a character. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

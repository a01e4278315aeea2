/**
 * What HTTP/2 and HTTP/3 share of their heads: fields, and the pieces of which HPACK and QPACK put them together.
 *
 * `huffman`, `prefix_integer` and `string_literal` are those pieces; `message` says which fields make a request or a response.
 *
 * @module
 */

/** A field: a name in lower case, and a value of one byte a character. */
export type Field = readonly [name: string, value: string];

/** What a field counts beside its bytes, in the size of a section and of a dynamic table (RFC 9113, section 6.5.2; RFC 9114, section 4.2.2). */
export const FIELD_OVERHEAD = 32;

/** Fields whose values no hop may put into a table, ours or its own (RFC 7541, section 7.1.3; RFC 9204, section 7.1.3). */
export const NEVER_INDEXED: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
]);

/** What a field counts. */
export function fieldSize([name, value]: Field): number {
  return name.length + value.length + FIELD_OVERHEAD;
}

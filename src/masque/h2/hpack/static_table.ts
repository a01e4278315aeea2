/**
 * The static table of HPACK (RFC 7541, appendix A).
 *
 * @module
 */

import type { Field } from "../../fields/field.ts";

/** In the order of the table: a name, and the values with which it stands there in a row. */
const ROWS: readonly (readonly [string, ...string[]])[] = [
  [":authority", ""],
  [":method", "GET", "POST"],
  [":path", "/", "/index.html"],
  [":scheme", "http", "https"],
  [":status", "200", "204", "206", "304", "400", "404", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** The table; its first entry has the index 1. */
export const STATIC_TABLE: readonly Field[] = ROWS.flatMap(
  ([name, ...values]) => values.map((value): Field => [name, value]),
);

const BY_NAME = new Map<string, number>();
const BY_FIELD = new Map<string, number>();
for (const [at, [name, value]] of STATIC_TABLE.entries()) {
  if (!BY_NAME.has(name)) BY_NAME.set(name, at + 1);
  BY_FIELD.set(`${name}\n${value}`, at + 1);
}

/** The index at which exactly this field stands. */
export function findField(name: string, value: string): number | undefined {
  return BY_FIELD.get(`${name}\n${value}`);
}

/** The index at which this name stands first. */
export function findName(name: string): number | undefined {
  return BY_NAME.get(name);
}

/**
 * Heads of requests and responses as fields (RFC 9113, sections 8.2 and 8.3; RFC 9114, sections 4.2 and 4.3): which are well-formed, and what
 * they say.
 *
 * @module
 */

import type { Field } from "./field.ts";

/** A request head. */
export interface RequestHead {
  readonly method: string;
  /** Of an extended CONNECT (RFC 8441; RFC 9220). */
  readonly protocol: string | undefined;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  /** By lower-case name; the values of a repeated field are joined with ", ". */
  readonly fields: ReadonlyMap<string, string>;
}

/** A response head. */
export interface ResponseHead {
  readonly status: number;
  /** Without pseudo-header fields, in their order. */
  readonly fields: readonly Field[];
}

/** A token without capitals (RFC 9113, section 8.2.1). */
const FIELD_NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;

/** RFC 9110, section 5.5; space around it would have been taken away by whoever follows the rules (RFC 9114, section 10.3). */
const FIELD_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Fields that speak of an HTTP/1.1 connection (RFC 9113, section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const REQUEST_PSEUDO: readonly string[] = [
  ":method",
  ":protocol",
  ":scheme",
  ":authority",
  ":path",
];

/** Reads a request head, or says in half a sentence that begins with "it" or "its" why it is malformed, which spoils its stream. */
export function readRequestHead(fields: readonly Field[]): RequestHead | string {
  const split = separate(fields, REQUEST_PSEUDO);
  if (typeof split === "string") return split;
  const { pseudo } = split;
  const method = pseudo.get(":method");
  if (method === undefined || method === "") return "it asks without a method";
  const protocol = pseudo.get(":protocol");
  const [scheme, path] = [pseudo.get(":scheme"), pseudo.get(":path")];
  const isPlainConnect = method === "CONNECT" && protocol === undefined;
  // RFC 9113, section 8.5, for CONNECT, section 8.3.1 for all others; RFC 8441 makes an extended CONNECT one of those.
  if (isPlainConnect ? scheme !== undefined || path !== undefined : !scheme || !path) {
    return `it asks by ${method} with a wrong set of pseudo-header fields`;
  }
  if (method !== "CONNECT" && protocol !== undefined) {
    return "it names a protocol in a request that is no CONNECT";
  }
  const joined = new Map<string, string>();
  for (const [name, value] of split.rest) {
    const earlier = joined.get(name);
    joined.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { method, protocol, scheme, path, authority: pseudo.get(":authority"), fields: joined };
}

/** Reads a response head, or says why it is malformed. */
export function readResponseHead(fields: readonly Field[]): ResponseHead | string {
  const split = separate(fields, [":status"]);
  if (typeof split === "string") return split;
  const status = split.pseudo.get(":status") ?? "";
  // RFC 9113, section 8.6: there is no switching of protocols here.
  if (!/^[1-9][0-9]{2}$/.test(status) || status === "101") {
    return "its answer has no status";
  }
  return { status: Number(status), fields: split.rest };
}

/** Pseudo-header fields come first, once each, and only known ones (RFC 9113, section 8.3). */
function separate(
  fields: readonly Field[],
  known: readonly string[],
): { readonly pseudo: ReadonlyMap<string, string>; readonly rest: Field[] } | string {
  const pseudo = new Map<string, string>();
  const rest: Field[] = [];
  for (const field of fields) {
    const [name, value] = field;
    if (!FIELD_VALUE.test(value)) return "it sends a field with a value that none has";
    if (name.startsWith(":")) {
      if (!known.includes(name) || pseudo.has(name) || rest.length > 0) {
        return "it sends a pseudo-header field that is unknown, doubled or late";
      }
      pseudo.set(name, value);
    } else if (!FIELD_NAME.test(name) || CONNECTION_FIELDS.has(name)) {
      return "it sends a field with a name that only HTTP/1.1 has, or nobody";
    } else {
      rest.push(field);
    }
  }
  return { pseudo, rest };
}

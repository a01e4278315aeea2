/**
 * Requests for a TCP tunnel at a resource of its own: connect-tcp (draft-ietf-httpbis-connect-tcp), and the same in a POST, for `fetch`.
 *
 * The POST is ours. The Fetch standard forbids the method CONNECT, so its request and response bodies are the two directions, in the
 * same capsules, at the same resource; UDP has it likewise. It passes where a platform or a CDN forbids CONNECT and upgrades.
 *
 * Such a proxy is an origin of its own, which is asked for credentials as one: `Authorization` and 401 (section 3.3.2).
 *
 * @module
 */

import {
  type AnswerFields,
  type AnswerReading,
  CAPSULE_PROTOCOL,
  connectFields,
  encodeUpgrade,
  pathPattern,
  readTemplatedAnswer,
  type Resource,
  targetOf,
  targetResource,
  variablesOf,
} from "./templated.ts";
import { DEFAULT_TCP_PATH } from "./uri_template.ts";

/** The upgrade token of HTTP/1.1 and the `:protocol` of HTTP/2 and 3. */
export const CONNECT_TCP = "connect-tcp";

/** What a server takes as well: the token of drafts 07 to 11. */
export const CONNECT_TCP_TOKENS: readonly string[] = [CONNECT_TCP, "connect-tcp-07"];

/** A header field. */
type Field = readonly [string, string];

/** Expands the template of a TCP proxy. Throws a `TypeError` or `RangeError` on a target that cannot be asked for. */
export function tcpResource(
  template: string,
  target: { readonly hostname: string; readonly port: number },
): Resource {
  return targetResource(template, target);
}

const PATH = pathPattern(DEFAULT_TCP_PATH);

/**
 * Reads a path of the default template; `undefined` when it is another resource.
 *
 * @example An IPv6 address
 * ```ts
 * import { parseTcpPath } from "./tcp_request.ts";
 *
 * const target = parseTcpPath("/.well-known/masque/tcp/2001%3Adb8%3A%3A1/443/");
 * if (target === undefined || target === "malformed" || target.port !== 443) throw new Error("unexpected");
 * ```
 */
export function parseTcpPath(
  path: string,
): { readonly hostname: string; readonly port: number } | "malformed" | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [host, port] = variablesOf(match) ?? [];
  if (host === undefined || port === undefined) return "malformed";
  return targetOf(host, port) ?? "malformed";
}

/** Credentials for a proxy as those for an origin: `Proxy-Authorization` becomes `Authorization`, unless that one is there. */
export function originFields(fields: Iterable<Field>): Field[] {
  const all = [...fields];
  const hasOwn = all.some(([name]) => name.toLowerCase() === "authorization");
  if (hasOwn) return all;
  return all.map(([name, value]): Field => [
    name.toLowerCase() === "proxy-authorization" ? "authorization" : name,
    value,
  ]);
}

/** The head of an upgrade. Throws a `TypeError` on a field that cannot be sent. */
export function encodeTcpUpgrade(
  resource: Resource,
  fields: Iterable<Field>,
): Uint8Array<ArrayBuffer> {
  return encodeUpgrade(CONNECT_TCP, resource, originFields(fields));
}

/** The fields of an extended CONNECT, pseudo-header fields first. */
export function tcpConnectFields(
  scheme: string,
  resource: Resource,
  fields: Iterable<Field>,
): Field[] {
  return [...connectFields(CONNECT_TCP, scheme, resource), ...originFields(fields)];
}

/** How to take an answer to either; see {@linkcode readTemplatedAnswer}. */
export function readTcpAnswer(
  form: "upgrade" | "connect",
  status: number,
  fields: AnswerFields,
): AnswerReading {
  return readTemplatedAnswer(CONNECT_TCP, form, status, fields);
}

const CONTENT_TYPE = "application/octet-stream";

/** The fields of the POST. */
export function postFields(fields: Iterable<Field>): Field[] {
  return [CAPSULE_PROTOCOL, ["content-type", CONTENT_TYPE], ...originFields(fields)];
}

/** The fields of its answer; they ask whoever stands between to pass bytes on as they come. */
export const POST_ANSWER_FIELDS: readonly Field[] = [
  CAPSULE_PROTOCOL,
  ["content-type", CONTENT_TYPE],
  ["cache-control", "no-store, no-transform"],
  ["x-accel-buffering", "no"], // nginx
];

/** How to take an answer to the POST: a page of some other server, with whatever status, is no tunnel. */
export function readPostAnswer(status: number, fields: AnswerFields): AnswerReading {
  if (status < 200 || status > 299) return { is: "refused" };
  if (fields.get(CAPSULE_PROTOCOL[0]) === CAPSULE_PROTOCOL[1]) return { is: "open" };
  const reason = "its answer has no Capsule-Protocol: that resource is not a tunnel";
  return { is: "malformed", reason };
}

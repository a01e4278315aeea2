/**
 * Requests to a resource that a URI Template names, and what may be believed of the answers: the part that CONNECT-UDP (RFC 9298) and
 * connect-tcp (draft-ietf-httpbis-connect-tcp) share.
 *
 * @module
 */

import { type Authority, formatAuthority, parseAuthority } from "./authority.ts";
import { checkFields, latin1 } from "./h1_request.ts";
import { expandTemplate } from "./uri_template.ts";

/** The field with which both sides say that they speak capsules (RFC 9297, section 3.4). */
export const CAPSULE_PROTOCOL: readonly [string, string] = ["capsule-protocol", "?1"];

/** Where a request goes: an expanded template without its scheme. */
export interface Resource {
  readonly authority: string;
  readonly path: string;
}

/** Expands a template, whose variables are given as text. */
export function resourceOf(template: string, host: string, port: string): Resource {
  const uri = expandTemplate(template, { target_host: host, target_port: port });
  const authorityAt = uri.indexOf("://") + 3;
  const pathAt = uri.indexOf("/", authorityAt);
  return { authority: uri.slice(authorityAt, pathAt), path: uri.slice(pathAt) };
}

/** A pattern for the paths of a template whose variables stand between slashes. */
export function pathPattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/\./g, "\\.").replace(/\{\w+\}/g, "([^/]*)")}$`);
}

/** The two variables out of a path, decoded; `undefined` when one is malformed (RFC 9298, section 3: answer 400). */
export function variablesOf(match: RegExpExecArray): [host: string, port: string] | undefined {
  const [host, port] = [decode(match[1]), decode(match[2])];
  return host === undefined || port === undefined ? undefined : [host, port];
}

/** A target out of its two variables; `undefined` when they are none. */
export function targetOf(host: string, port: string): Authority | undefined {
  return parseAuthority(`${host.includes(":") ? `[${host}]` : host}:${port}`);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // not UTF-8, or half a triplet
  }
}

/** A resource for a target. Throws as `formatAuthority` does. */
export function targetResource(
  template: string,
  { hostname, port }: { readonly hostname: string; readonly port: number },
): Resource {
  formatAuthority(hostname, port);
  return resourceOf(template, hostname, String(port));
}

/** The head of an upgrade to `token` over HTTP/1.1. Throws a `TypeError` on a field that cannot be sent. */
export function encodeUpgrade(
  token: string,
  { authority, path }: Resource,
  fields: Iterable<readonly [string, string]>,
): Uint8Array<ArrayBuffer> {
  let head = `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\n` +
    `Upgrade: ${token}\r\nCapsule-Protocol: ?1\r\n`;
  for (const [name, value] of checkFields(fields)) head += `${name}: ${value}\r\n`;
  return latin1(head + "\r\n");
}

/** The pseudo-header fields of an extended CONNECT (RFC 8441, section 4), and the one field that goes with them. */
export function connectFields(
  protocol: string,
  scheme: string,
  { authority, path }: Resource,
): (readonly [string, string])[] {
  return [
    [":method", "CONNECT"],
    [":protocol", protocol],
    [":scheme", scheme],
    [":authority", authority],
    [":path", path],
    CAPSULE_PROTOCOL,
  ];
}

/** Whether the fields of a request or an answer ask for an upgrade to one of `tokens`. */
export function upgradesTo(
  tokens: readonly string[],
  connection: string | null | undefined,
  upgrade: string | null | undefined,
): boolean {
  return isUpgrade(connection) && tokens.includes(upgrade?.toLowerCase() ?? "");
}

function isUpgrade(connection: string | null | undefined): boolean {
  return /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i.test(connection ?? "");
}

/** Statuses whose answers have no content to be a tunnel (RFC 9297, section 3.2). */
const CONTENTLESS: ReadonlySet<number> = new Set([204, 205, 206]);

/** Fields that speak of a content, which a stream of capsules is not (RFC 9297, section 3.2). */
const CONTENT_FIELDS = ["content-length", "content-type", "transfer-encoding"];

/** What is asked of an answer's header fields. */
export interface AnswerFields {
  /** The values of a field, joined with `, `; null when it is absent. */
  get(name: string): string | null;
}

/** How to take an answer. */
export type AnswerReading =
  | { readonly is: "open" | "refused" }
  | { readonly is: "malformed"; readonly reason: string };

/**
 * How to take an answer to a request for `token`: `open`, `refused`, or what is wrong with it in half a sentence that begins with "it". After a
 * fault, the attempt has failed and the stream is broken off (RFC 9298, sections 3.3 and 3.5).
 */
export function readTemplatedAnswer(
  token: string,
  form: "upgrade" | "connect",
  status: number,
  fields: AnswerFields,
): AnswerReading {
  const success = form === "upgrade" ? status === 101 : status >= 200 && status <= 299;
  if (!success) return { is: "refused" };
  const malformed = (reason: string) => ({ is: "malformed" as const, reason });
  if (CONTENTLESS.has(status)) return malformed(`it answered ${status}, which no tunnel has`);
  for (const name of CONTENT_FIELDS) {
    if (fields.get(name) !== null) return malformed(`its answer has the field ${name}`);
  }
  if (form === "connect") return { is: "open" };
  if (!isUpgrade(fields.get("connection"))) {
    return malformed("it switches protocols without Connection: Upgrade");
  }
  if (fields.get("upgrade")?.toLowerCase() !== token) {
    return malformed("it switches to another protocol");
  }
  return { is: "open" };
}

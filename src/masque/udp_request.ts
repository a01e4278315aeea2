/**
 * Requests for a UDP tunnel, and what may be believed of the answers: RFC 9298, section 3, over HTTP/1.1 and HTTP/2, and the method of
 * draft-ietf-masque-connect-udp-03, section 3, that came before.
 *
 * @module
 */

import type { Outcome } from "../outcome.ts";
import { formatAuthority, parseAuthority } from "./authority.ts";
import { checkFields, latin1 } from "./h1_request.ts";
import { type Answer, outcomeOf, unanswered } from "./outcome.ts";
import { DEFAULT_UDP_PATH, expandTemplate } from "./uri_template.ts";

/** The upgrade token of HTTP/1.1 and the `:protocol` of HTTP/2 (RFC 9298, section 11.1). */
export const CONNECT_UDP = "connect-udp";

/** The field with which both sides say that they speak capsules (RFC 9297, section 3.4). */
export const CAPSULE_PROTOCOL: readonly [string, string] = ["capsule-protocol", "?1"];

/** The host and the port of a request that has no single target (draft-ietf-masque-connect-udp-listen-13, section 2). */
export const ANY_TARGET = "*";

/** Where a request goes: an expanded template without its scheme. */
export interface UdpResource {
  readonly authority: string;
  readonly path: string;
}

/**
 * Expands the template of a UDP proxy. `target` is `*` for a request without a single target.
 *
 * @throws {TypeError|RangeError} If the target cannot be asked for: see `formatAuthority`
 *
 * @example The default template
 * ```ts
 * import { udpResource } from "./udp_request.ts";
 * import { DEFAULT_UDP_PATH } from "./uri_template.ts";
 *
 * const template = `https://proxy.example${DEFAULT_UDP_PATH}`;
 * const { path } = udpResource(template, { hostname: "2001:db8::42", port: 443 });
 * if (path !== "/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/") throw new Error(path);
 * ```
 */
export function udpResource(
  template: string,
  target: { readonly hostname: string; readonly port: number } | typeof ANY_TARGET,
): UdpResource {
  if (target !== ANY_TARGET) formatAuthority(target.hostname, target.port);
  const [host, port] = target === ANY_TARGET
    ? [ANY_TARGET, ANY_TARGET]
    : [target.hostname, String(target.port)];
  const uri = expandTemplate(template, { target_host: host, target_port: port });
  const authorityAt = uri.indexOf("://") + 3;
  const pathAt = uri.indexOf("/", authorityAt);
  return { authority: uri.slice(authorityAt, pathAt), path: uri.slice(pathAt) };
}

/** What a path asks for by the default template: a target, any, or neither (RFC 9298, section 3: answer 400). */
export type AskedTarget =
  | { readonly hostname: string; readonly port: number }
  | typeof ANY_TARGET
  | "malformed";

const PATH = new RegExp(
  `^${DEFAULT_UDP_PATH.replace(/\./g, "\\.").replace(/\{\w+\}/g, "([^/]*)")}$`,
);

/** Reads a path of the default template; `undefined` when it is another resource. */
export function parseUdpPath(path: string): AskedTarget | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [hostname, port] = [decode(match[1]), decode(match[2])];
  if (hostname === undefined || port === undefined) return "malformed";
  if (hostname === ANY_TARGET && port === ANY_TARGET) return ANY_TARGET;
  if (hostname === ANY_TARGET) return "malformed";
  const bracketed = hostname.includes(":") ? `[${hostname}]` : hostname;
  return parseAuthority(`${bracketed}:${port}`) ?? "malformed";
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // not UTF-8, or half a triplet
  }
}

/** A target in the operator's words. */
export function udpLabel(target: { hostname: string; port: number } | typeof ANY_TARGET): string {
  return target === ANY_TARGET
    ? "any UDP peer"
    : `udp ${formatAuthority(target.hostname, target.port)}`;
}

/** The head of an upgrade (RFC 9298, section 3.2). Throws a `TypeError` on a field that cannot be sent. */
export function encodeUdpUpgrade(
  { authority, path }: UdpResource,
  fields: Iterable<readonly [string, string]>,
): Uint8Array<ArrayBuffer> {
  let head = `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\n` +
    `Upgrade: ${CONNECT_UDP}\r\nCapsule-Protocol: ?1\r\n`;
  for (const [name, value] of checkFields(fields)) head += `${name}: ${value}\r\n`;
  return latin1(head + "\r\n");
}

/** The head of a request of draft 03 for `authority` (`host:port`). Throws a `TypeError` on a field that cannot be sent. */
export function encodeUdpDraft03(
  authority: string,
  fields: Iterable<readonly [string, string]>,
): Uint8Array<ArrayBuffer> {
  let head = `CONNECT-UDP masque://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (const [name, value] of checkFields(fields)) head += `${name}: ${value}\r\n`;
  return latin1(head + "\r\n");
}

/** The target of a request of draft 03, `host:port`; `undefined` when it is none. */
export function parseDraft03Target(target: string): string | undefined {
  return /^masque:\/\/([^/?#]+)\/$/.exec(target)?.[1];
}

/** The pseudo-header fields of an extended CONNECT (RFC 9298, section 3.4), and the one field that goes with them. */
export function udpConnectFields(
  scheme: string,
  { authority, path }: UdpResource,
): (readonly [string, string])[] {
  return [
    [":method", "CONNECT"],
    [":protocol", CONNECT_UDP],
    [":scheme", scheme],
    [":authority", authority],
    [":path", path],
    CAPSULE_PROTOCOL,
  ];
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

/**
 * How to take an answer: `open`, `refused`, or what is wrong with it in half a sentence that begins with "it". After a fault, the
 * attempt has failed and the stream is broken off (RFC 9298, sections 3.3 and 3.5).
 */
export function readUdpAnswer(
  form: "upgrade" | "connect" | "draft-03",
  status: number,
  fields: AnswerFields,
): { readonly is: "open" | "refused" } | { readonly is: "malformed"; readonly reason: string } {
  const success = form === "upgrade" ? status === 101 : status >= 200 && status <= 299;
  if (!success) return { is: "refused" };
  if (form === "draft-03") return { is: "open" }; // nothing more is asked, and h2o sends more than nothing
  const malformed = (reason: string) => ({ is: "malformed" as const, reason });
  if (CONTENTLESS.has(status)) return malformed(`it answered ${status}, which no tunnel has`);
  for (const name of CONTENT_FIELDS) {
    if (fields.get(name) !== null) return malformed(`its answer has the field ${name}`);
  }
  if (form === "connect") return { is: "open" };
  if (!/(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i.test(fields.get("connection") ?? "")) {
    return malformed("it switches protocols without Connection: Upgrade");
  }
  const token = fields.get("upgrade");
  if (token?.toLowerCase() !== CONNECT_UDP) return malformed("it switches to another protocol");
  return { is: "open" };
}

/** What a refusal of a UDP tunnel means; as `outcomeOf`, and a proxy that does not know the request at all does not carry UDP. */
export function udpOutcomeOf(answer: Answer, target: string): Outcome {
  const outcome = outcomeOf(answer, target);
  const { status } = answer;
  const isUnknown = outcome.kind === "proxy_configuration_error" || status < 300 || status === 426;
  return isUnknown ? { ...udpUnsupported(target, `status ${status}`), status } : outcome;
}

/** The outcome where a proxy cannot be asked for UDP, and `why`. */
export function udpUnsupported(target: string, why: string): Outcome {
  return unanswered(
    "udp_unsupported",
    `Asked for ${target}, the proxy does not carry UDP (${why})`,
  );
}

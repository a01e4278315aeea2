/**
 * Requests for a UDP tunnel, and what may be believed of the answers: RFC 9298, section 3, over HTTP/1.1 and HTTP/2, and the method of
 * draft-ietf-masque-connect-udp-03, section 3, that came before.
 *
 * @module
 */

import type { Outcome } from "../outcome.ts";
import { formatAuthority } from "./authority.ts";
import { checkFields, latin1 } from "./h1_request.ts";
import { type Answer, outcomeOf, unanswered } from "./outcome.ts";
import {
  type AnswerFields,
  type AnswerReading,
  connectFields,
  encodeUpgrade,
  pathPattern,
  readTemplatedAnswer,
  type Resource,
  resourceOf,
  targetOf,
  targetResource,
  variablesOf,
} from "./templated.ts";
import { DEFAULT_UDP_PATH } from "./uri_template.ts";

/** The upgrade token of HTTP/1.1 and the `:protocol` of HTTP/2 (RFC 9298, section 11.1). */
export const CONNECT_UDP = "connect-udp";

export { CAPSULE_PROTOCOL } from "./templated.ts";

/** The host and the port of a request that has no single target (draft-ietf-masque-connect-udp-listen-13, section 2). */
export const ANY_TARGET = "*";

/** Where a request goes: an expanded template without its scheme. */
export type UdpResource = Resource;

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
  return target === ANY_TARGET
    ? resourceOf(template, ANY_TARGET, ANY_TARGET)
    : targetResource(template, target);
}

/** What a path asks for by the default template: a target, any, or neither (RFC 9298, section 3: answer 400). */
export type AskedTarget =
  | { readonly hostname: string; readonly port: number }
  | typeof ANY_TARGET
  | "malformed";

const PATH = pathPattern(DEFAULT_UDP_PATH);

/** Reads a path of the default template; `undefined` when it is another resource. */
export function parseUdpPath(path: string): AskedTarget | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [host, port] = variablesOf(match) ?? [];
  if (host === undefined || port === undefined) return "malformed";
  if (host === ANY_TARGET && port === ANY_TARGET) return ANY_TARGET;
  if (host === ANY_TARGET) return "malformed";
  return targetOf(host, port) ?? "malformed";
}

/** A target in the operator's words. */
export function udpLabel(target: { hostname: string; port: number } | typeof ANY_TARGET): string {
  return target === ANY_TARGET
    ? "any UDP peer"
    : `udp ${formatAuthority(target.hostname, target.port)}`;
}

/** The head of an upgrade (RFC 9298, section 3.2). Throws a `TypeError` on a field that cannot be sent. */
export function encodeUdpUpgrade(
  resource: UdpResource,
  fields: Iterable<readonly [string, string]>,
): Uint8Array<ArrayBuffer> {
  return encodeUpgrade(CONNECT_UDP, resource, fields);
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
  resource: UdpResource,
): (readonly [string, string])[] {
  return connectFields(CONNECT_UDP, scheme, resource);
}

/** How to take an answer; as {@linkcode readTemplatedAnswer}, and draft 03 asks for a 2xx and no more. */
export function readUdpAnswer(
  form: "upgrade" | "connect" | "draft-03",
  status: number,
  fields: AnswerFields,
): AnswerReading {
  if (form !== "draft-03") return readTemplatedAnswer(CONNECT_UDP, form, status, fields);
  return { is: status >= 200 && status <= 299 ? "open" : "refused" }; // h2o sends more than nothing
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

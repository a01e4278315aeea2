/**
 * `Proxy-Authorization` in the three forms that proxies take, and the care that secrets need.
 *
 * @module
 */

/** Who we are to the proxy: one of the three, or none. */
export interface Credentials {
  /** A Bearer token (RFC 6750). */
  readonly token?: string;
  /** `USER:PASSWORD` for Basic (RFC 7617), sent as UTF-8. The first colon ends the user. */
  readonly basic?: string;
  /** A privacy token as the INVISV relays take it: `PrivacyToken token=...` without quotes. */
  readonly privacyToken?: string;
}

/** Fields whose values never reach a log line. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
]);

/** Visible ASCII. Wider than the `b64token` of RFC 6750, because proxies hand out others, and still unable to end a line or a value. */
const TOKEN = /^[\x21-\x7e]+$/;

/** A token (RFC 9110, section 5.6.2) plus the characters of base64: what stands after `token=` without quotes. */
const PARAMETER = /^[A-Za-z0-9!#$%&'*+\-.^_`|~/=]+$/;

/** RFC 7617, section 2: neither the user nor the password may hold control characters. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * The value of `Proxy-Authorization`; `undefined` without credentials. Throws a `TypeError` on more than one kind, and on a secret
 * that cannot stand in a header field; the message never repeats the secret.
 *
 * @example A Bearer token
 * ```ts
 * import { proxyAuthorization } from "./auth.ts";
 *
 * const value = proxyAuthorization({ token: "abc" });
 * if (value !== "Bearer abc") throw new Error("unexpected");
 * ```
 */
export function proxyAuthorization(credentials: Credentials): string | undefined {
  const { token, basic, privacyToken } = credentials;
  const given = [token, basic, privacyToken].filter((secret) => secret !== undefined);
  if (given.length > 1) {
    throw new TypeError(
      "Cannot send two kinds of credentials: give a token, basic, or privacyToken",
    );
  }
  if (token !== undefined) return `Bearer ${checked(token, TOKEN, "token")}`;
  if (privacyToken !== undefined) {
    return `PrivacyToken token=${checked(privacyToken, PARAMETER, "privacy token")}`;
  }
  return basic === undefined ? undefined : `Basic ${encodeBasic(basic)}`;
}

/**
 * The same text with every secret replaced by `[redacted]`. Empty secrets are skipped.
 *
 * @example A line that quotes a token
 * ```ts
 * import { redact } from "./auth.ts";
 *
 * const line = redact("sent Bearer abc", ["abc"]);
 * if (line !== "sent Bearer [redacted]") throw new Error(line);
 * ```
 */
export function redact(text: string, secrets: Iterable<string>): string {
  for (const secret of secrets) if (secret !== "") text = text.replaceAll(secret, "[redacted]");
  return text;
}

/** Header fields for a log line: the values of the secret ones are `[redacted]`. */
export function redactFields(fields: Iterable<readonly [string, string]>): [string, string][] {
  return Array.from(
    fields,
    ([name, value]) => [name, SECRET_FIELDS.has(name.toLowerCase()) ? "[redacted]" : value],
  );
}

function checked(secret: string, shape: RegExp, what: string): string {
  if (shape.test(secret)) return secret;
  throw new TypeError(
    `Cannot send the ${what}: it is empty or holds a character that its header field cannot carry`,
  );
}

function encodeBasic(basic: string): string {
  if (!basic.includes(":")) {
    throw new TypeError("Cannot send Basic credentials without a colon: give USER:PASSWORD");
  }
  if (CONTROL.test(basic)) {
    throw new TypeError("Cannot send Basic credentials with a control character: remove it");
  }
  let binary = "";
  for (const byte of new TextEncoder().encode(basic)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

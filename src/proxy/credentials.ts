/**
 * Who may use the proxy: `Proxy-Authorization`, compared in constant time.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { TokenVerifier } from "./private_tokens.ts";
import type { Refusal } from "./refusal.ts";

/** What the operator asks for; any one of them lets a client in, none lets everybody in. */
export interface ExpectedCredentials {
  /** Taken as `Bearer TOKEN` (RFC 6750) and as `PrivacyToken token=TOKEN`. */
  readonly token?: string;
  /** Taken as Basic (RFC 7617). */
  readonly basic?: { readonly user: string; readonly pass: string };
  /** Taken as `PrivateToken token="..."`, each once (RFC 9577). */
  readonly privateTokens?: TokenVerifier;
}

/** Returns the refusal for a value of `Proxy-Authorization`, or nothing when it is good. */
export type CredentialsCheck = (
  authorization: string | undefined,
) => Refusal | undefined | Promise<Refusal | undefined>;

const REALM = 'realm="pseudotcp"';

/** `SCHEME VALUE`; schemes do not mind their case (RFC 9110, section 11.1). */
const AUTHORIZATION = /^([A-Za-z]+) +(.*)$/;

/** The check for what the operator asks for. */
export function createCredentialsCheck(expected: ExpectedCredentials): CredentialsCheck {
  const { privateTokens } = expected;
  const [check, challenges] = createSecretsCheck(expected);
  if (privateTokens === undefined) return check ?? (() => undefined);
  return async (authorization) => {
    if (/^privatetoken /i.test(authorization ?? "")) {
      if (await privateTokens.verify(authorization!)) return undefined;
    } else if (check !== undefined && check(authorization) === undefined) return undefined;
    const ours = privateTokens.challenges.map((c): [string, string] => ["proxy-authenticate", c]);
    return denied(authorization, [...challenges, ...ours]);
  };
}

/** The check for what stays the same from request to request, absent when nothing does, and its challenges. */
function createSecretsCheck(
  expected: ExpectedCredentials,
): [((authorization: string | undefined) => Refusal | undefined) | undefined, [string, string][]] {
  const challenges: [string, string][] = [];
  const values: string[] = [];
  const { token, basic } = expected;
  if (token !== undefined) {
    challenges.push(["proxy-authenticate", `Bearer ${REALM}`]);
    values.push(`bearer ${token}`, `privacytoken token=${token}`, `privacytoken token="${token}"`);
  }
  if (basic !== undefined) {
    challenges.push(["proxy-authenticate", `Basic ${REALM}, charset="UTF-8"`]);
    const pair = new TextEncoder().encode(`${basic.user}:${basic.pass}`);
    values.push(`basic ${pair.toBase64()}`);
  }
  if (values.length === 0) return [undefined, []];

  const digests = values.map(digest);
  const check = (authorization: string | undefined) => {
    const [, scheme, value] = AUTHORIZATION.exec(authorization ?? "") ?? [];
    const given = digest(scheme === undefined ? "" : `${scheme.toLowerCase()} ${value.trim()}`);
    // Every candidate is compared, so that the time tells neither which one nor how much of it was right.
    const matches = digests.filter((candidate) => timingSafeEqual(candidate, given));
    return matches.length > 0 ? undefined : denied(authorization, challenges);
  };
  return [check, challenges];
}

/** Digests have one length, whatever a client sends: `timingSafeEqual` needs that, and the length of a secret is part of it. */
function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function denied(authorization: string | undefined, fields: Refusal["fields"]): Refusal {
  return {
    status: 407,
    error: "http_request_denied",
    detail: authorization === undefined
      ? "The proxy wants credentials: send Proxy-Authorization"
      : "The proxy does not know these credentials",
    fields,
  };
}

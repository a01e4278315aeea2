/**
 * Who we are to the proxy, from request to request: asks for the secret, and answers a 407 once.
 *
 * @module
 */

import { type Credentials as FixedCredentials, proxyAuthorization } from "../../masque/auth.ts";
import type { ConnectOptions, RefusedTunnel } from "../tunnel.ts";
import type { PrivateTokenSource } from "./private_tokens.ts";
import { PrivateTokens } from "./private_tokens.ts";
import { ASK_AGAIN_MS, type Authorizer, type Secret } from "./secret.ts";

/** Credentials of one kind, or none. */
export interface Credentials {
  /** A Bearer token (RFC 6750). */
  readonly token?: Secret;
  /** `USER:PASSWORD` for Basic (RFC 7617). */
  readonly basic?: Secret;
  /** A token for `PrivacyToken token=...`, as the INVISV relays take it. */
  readonly privacyToken?: Secret;
  /** Privacy Pass: a token for each use (RFC 9577). */
  readonly privateTokens?: PrivateTokenSource;
}

/** The kinds of secrets that are one text. */
const KINDS = ["token", "basic", "privacyToken"] as const;

/**
 * An authorizer for credentials. Throws a `TypeError` on two kinds at once, and on a secret that no header field can carry.
 */
export function authorizerOf(credentials: Credentials): Authorizer {
  const kinds = KINDS.filter((kind) => credentials[kind] !== undefined);
  if (kinds.length + (credentials.privateTokens === undefined ? 0 : 1) > 1) {
    throw new TypeError(
      "Cannot send two kinds of credentials: give a token, basic, privacyToken, or privateTokens",
    );
  }
  if (credentials.privateTokens !== undefined) return new PrivateTokens(credentials.privateTokens);
  const [kind] = kinds;
  return kind === undefined ? NOBODY : new SecretAuthorizer(kind, credentials[kind]!);
}

/**
 * Asks for a tunnel with credentials, and once more when they are refused and there are others. A caller's own `Proxy-Authorization` is
 * left as it is.
 */
export async function askAuthorized<T extends { readonly ok: true } | RefusedTunnel>(
  authorizer: Authorizer,
  options: ConnectOptions,
  ask: (options: ConnectOptions) => Promise<T>,
): Promise<T> {
  const headers = new Headers(options.headers);
  if (headers.has("proxy-authorization")) return await ask(options);
  const send = (value: string | undefined) => {
    if (value === undefined) headers.delete("proxy-authorization");
    else headers.set("proxy-authorization", value);
    return ask({ ...options, headers });
  };
  const next = authorizer.next();
  const first = next instanceof Promise ? await next : next;
  const tunnel = await send(first);
  if (tunnel.ok || (tunnel.status !== 407 && tunnel.status !== 401)) return tunnel;
  const second = await authorizer.after(first, tunnel.headers);
  return second === undefined || second === first ? tunnel : await send(second);
}

const NOBODY: Authorizer = {
  next: () => undefined,
  after: () => Promise.resolve(undefined),
};

/** A secret that may change. */
class SecretAuthorizer implements Authorizer {
  readonly #kind: typeof KINDS[number];
  readonly #secret: Secret;
  #latest: string | undefined;
  #asked: { readonly at: number; readonly answer: Promise<string | undefined> } | undefined;

  constructor(kind: typeof KINDS[number], secret: Secret) {
    this.#kind = kind;
    this.#secret = secret;
    if (typeof secret === "string") this.#field(secret); // throws at once what it would throw later
  }

  next(): string | undefined | Promise<string | undefined> {
    if (typeof this.#secret === "string") return this.#field(this.#secret);
    const secret = this.#secret();
    return secret instanceof Promise ? secret.then((s) => this.#use(s)) : this.#use(secret);
  }

  #use(secret: string | undefined): string | undefined {
    this.#latest = secret;
    return this.#field(secret);
  }

  async after(sent: string | undefined): Promise<string | undefined> {
    if (typeof this.#secret === "string") return undefined;
    const fresh = await this.next();
    if (fresh !== sent) return fresh; // exchanged while the request was under way
    const now = performance.now();
    if (this.#asked === undefined || now - this.#asked.at > ASK_AGAIN_MS) {
      this.#asked = { at: now, answer: Promise.resolve(this.#secret(this.#latest ?? "")) };
    }
    return this.#field(await this.#asked.answer);
  }

  #field(secret: string | undefined): string | undefined {
    if (secret === undefined) return undefined;
    return proxyAuthorization({ [this.#kind]: secret } as FixedCredentials);
  }
}

/**
 * Privacy Pass at the proxy (RFC 9577, RFC 9578): an issuer and the proxy that takes its tokens, in one process. It shows what clients have to do;
 * in the field issuer and proxy are two parties, so that neither can tie a token to a person.
 *
 * The cryptography is `@cloudflare/privacypass-ts`, loaded when an authority is made and not before.
 *
 * @module
 */

import {
  encodeTokenChallenge,
  fromBase64Url,
  readToken,
  readTokenChallenges,
  TOKEN_TYPES,
} from "../masque/private_token.ts";

/** 0.9.0 asks for a dependency that the registry does not have. */
type Library = typeof import("npm:@cloudflare/privacypass-ts@0.8.1");

/**
 * As a string, and not as a literal, which Deno would follow before the program starts: everybody would download the library, and few have a
 * use for it.
 */
const loadLibrary = (): Promise<Library> =>
  import("npm:@cloudflare/privacypass-ts@0.8.1" as string);

/** Spent tokens that are remembered. When it is full, new keys make an end of all tokens so far, and the book begins anew. */
const MAX_SPENT = 100_000;

/** Types of tokens: 1 can be checked by who holds the key, 2 by everybody. */
export type TokenType = 1 | 2;

/** What asks for tokens, and checks them. */
export interface TokenVerifier {
  /** Values of `Proxy-Authenticate`. */
  readonly challenges: readonly string[];
  /** Whether `authorization` carries a token that is good and was not spent before; it is spent now. */
  verify(authorization: string): Promise<boolean>;
}

/** An issuer of tokens, and their verifier. */
export interface TokenAuthority extends TokenVerifier {
  /** Makes tokens for a challenge of ours, as client and issuer do between them (RFC 9578): in base64url. */
  issue(challenge: Uint8Array<ArrayBuffer>, count?: number): Promise<string[]>;
}

/** One type of tokens with its keys. */
interface Mint {
  readonly type: TokenType;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** One token for a challenge. */
  issue(challenge: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Whether a token is one of ours. */
  isGood(token: Uint8Array): Promise<boolean>;
}

/**
 * Makes keys for the `types` and an authority that calls itself `issuer`, a host name.
 *
 * @example A token is good once
 * ```ts
 * import { createTokenAuthority } from "./private_tokens.ts";
 * import { readTokenChallenges } from "../masque/private_token.ts";
 *
 * const authority = await createTokenAuthority("issuer.example", [2]);
 * const [challenge] = readTokenChallenges(authority.challenges[0]);
 * const [token] = await authority.issue(challenge.bytes);
 * const first = await authority.verify(`PrivateToken token="${token}"`);
 * const second = await authority.verify(`PrivateToken token="${token}"`);
 * if (!first || second) throw new Error("unexpected");
 * ```
 */
export async function createTokenAuthority(
  issuer: string,
  types: readonly TokenType[] = [TOKEN_TYPES.blindRsa, TOKEN_TYPES.voprf],
): Promise<TokenAuthority> {
  const library = await loadLibrary();
  const strike = () => Promise.all(types.map((type) => mintOf(library, issuer, type)));
  return new Authority(issuer, await strike(), strike);
}

class Authority implements TokenAuthority {
  readonly #issuer: string;
  readonly #strike: () => Promise<Mint[]>;
  readonly #spent = new Set<string>();
  #mints: readonly Mint[];

  constructor(issuer: string, mints: readonly Mint[], strike: () => Promise<Mint[]>) {
    this.#issuer = issuer;
    this.#mints = mints;
    this.#strike = strike;
  }

  get challenges(): string[] {
    return this.#mints.map(({ type, publicKey }) => {
      const context = new Uint8Array(0);
      const challenge = encodeTokenChallenge({ type, issuer: this.#issuer, context, origins: [] });
      return `PrivateToken challenge="${encode(challenge)}", token-key="${encode(publicKey)}"`;
    });
  }

  async issue(challenge: Uint8Array<ArrayBuffer>, count = 1): Promise<string[]> {
    const mint = this.#mints.find(({ type }) => type === (challenge[0] << 8 | challenge[1]));
    if (mint === undefined) throw new TypeError("Cannot issue a token of a type without a key");
    const tokens = Array.from({ length: count }, () => mint.issue(challenge));
    return (await Promise.all(tokens)).map(encode);
  }

  async verify(authorization: string): Promise<boolean> {
    const text = /^PrivateToken +token=("?)([\w\-+/=]+)\1$/i.exec(authorization.trim())?.[2];
    const token = text === undefined ? undefined : fromBase64Url(text);
    const fields = token && readToken(token);
    const mint = this.#mints.find(({ type }) => type === fields?.type);
    if (token === undefined || fields === undefined || mint === undefined) return false;
    if (!this.#isForUs(fields.challengeDigest, await digestsOf(this.challenges))) return false;
    if (!await mint.isGood(token)) return false;
    const nonce = fields.nonce.toHex();
    if (this.#spent.has(nonce)) return false;
    this.#spent.add(nonce);
    if (this.#spent.size >= MAX_SPENT) {
      this.#mints = await this.#strike();
      this.#spent.clear();
    }
    return true;
  }

  #isForUs(digest: Uint8Array<ArrayBuffer>, ours: readonly string[]): boolean {
    return ours.includes(digest.toHex());
  }
}

async function digestsOf(challenges: readonly string[]): Promise<string[]> {
  const bytes = challenges.flatMap((field) => readTokenChallenges(field)).map(({ bytes }) => bytes);
  const digests = await Promise.all(bytes.map((b) => crypto.subtle.digest("SHA-256", b)));
  return digests.map((digest) => new Uint8Array(digest).toHex());
}

function mintOf(library: Library, issuer: string, type: TokenType): Promise<Mint> {
  return type === TOKEN_TYPES.blindRsa ? blindRsa(library, issuer) : voprf(library, issuer);
}

async function blindRsa(
  { publicVerif, Token, TOKEN_TYPES: types, TokenChallenge }: Library,
  name: string,
): Promise<Mint> {
  const { BlindRSAMode, Client, getPublicKeyBytes, Issuer } = publicVerif;
  const { privateKey, publicKey } = await Issuer.generateKey(BlindRSAMode.PSS, {
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  });
  const issuer = new Issuer(BlindRSAMode.PSS, name, privateKey, publicKey);
  const spki = Uint8Array.from(await getPublicKeyBytes(publicKey));
  return {
    type: TOKEN_TYPES.blindRsa,
    publicKey: spki,
    async issue(challenge) {
      const client = new Client(BlindRSAMode.PSS);
      const request = await client.createTokenRequest(TokenChallenge.deserialize(challenge), spki);
      return (await client.finalize(await issuer.issue(request))).serialize();
    },
    isGood: (token) => issuer.verify(Token.deserialize(types.BLIND_RSA, token)),
  };
}

async function voprf(
  { privateVerif, Token, TOKEN_TYPES: types, TokenChallenge }: Library,
  name: string,
): Promise<Mint> {
  const { privateKey, publicKey } = await privateVerif.keyGen();
  const issuer = new privateVerif.Issuer(name, privateKey, publicKey);
  return {
    type: TOKEN_TYPES.voprf,
    publicKey: Uint8Array.from(publicKey),
    async issue(challenge) {
      const client = new privateVerif.Client();
      const wanted = TokenChallenge.deserialize(challenge);
      const request = await client.createTokenRequest(wanted, publicKey);
      return (await client.finalize(await issuer.issue(request))).serialize();
    },
    isGood: (token) => issuer.verify(Token.deserialize(types.VOPRF, token)),
  };
}

function encode(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url" });
}

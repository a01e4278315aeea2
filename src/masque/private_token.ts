/**
 * Privacy Pass tokens and their challenges as bytes (RFC 9577, section 2). Nothing here can make or check a token: that takes keys.
 *
 * @module
 */

import { type Challenge, parseChallenges } from "./challenges.ts";

/** Token types of the registry of RFC 9577, section 5: VOPRF (P-384, SHA-384), and blind RSA (2048 bit). */
export const TOKEN_TYPES = { voprf: 0x0001, blindRsa: 0x0002 } as const;

/** Where the fields of a token begin (RFC 9577, section 2.2). */
const TYPE = 0;
const NONCE = 2;
const CHALLENGE_DIGEST = 34;
const KEY_ID = 66;
const AUTHENTICATOR = 98;

/** Lengths of the authenticator, Nk (RFC 9578, sections 8.2.1 and 8.2.2). */
const AUTHENTICATOR_LENGTHS: Readonly<Record<number, number>> = {
  [TOKEN_TYPES.voprf]: 48,
  [TOKEN_TYPES.blindRsa]: 256,
};

/** RFC 9577, section 2.1: a redemption context is empty or a digest. */
const CONTEXT_LENGTHS: readonly number[] = [0, 32];

/** What a token has to be for. */
export interface TokenChallenge {
  /** One of {@linkcode TOKEN_TYPES}. */
  readonly type: number;
  /** The host name of the issuer. */
  readonly issuer: string;
  /** Without one, a token may be used for any later request that is challenged in the same way. */
  readonly context: Uint8Array<ArrayBuffer>;
  /** Who may take the token; empty for anybody. */
  readonly origins: readonly string[];
  /** The challenge itself, whose SHA-256 stands in the token. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The issuer's public key, whose SHA-256 stands in the token; absent where the client knows it. */
  readonly tokenKey?: Uint8Array<ArrayBuffer>;
}

/** The fields of a token that say what it is for. */
export interface TokenFields {
  /** One of {@linkcode TOKEN_TYPES}. */
  readonly type: number;
  /** 32 bytes that no other token has. */
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the challenge. */
  readonly challengeDigest: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the issuer's public key. */
  readonly keyId: Uint8Array<ArrayBuffer>;
}

/** Reads the Privacy Pass challenges of a field, in its order; of types that nobody here knows, or that are malformed, none. */
export function readTokenChallenges(field: string): TokenChallenge[] {
  return parseChallenges(field)
    .filter(({ scheme }) => scheme === "privatetoken")
    .map(readChallenge)
    .filter((challenge) => challenge !== undefined);
}

/** Writes a challenge (RFC 9577, section 2.1.1). */
export function encodeTokenChallenge(
  { type, issuer, context, origins }: Omit<TokenChallenge, "bytes" | "tokenKey">,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const [name, info] = [text.encode(issuer), text.encode(origins.join(","))];
  return Uint8Array.of(
    ...u16(type),
    ...u16(name.length),
    ...name,
    context.length,
    ...context,
    ...u16(info.length),
    ...info,
  );
}

/** Reads the first fields of a token; `undefined` when it has not the length of its type. */
export function readToken(bytes: Uint8Array<ArrayBuffer>): TokenFields | undefined {
  if (bytes.length < AUTHENTICATOR) return undefined;
  const type = (bytes[TYPE] << 8) | bytes[TYPE + 1];
  if (bytes.length !== AUTHENTICATOR + AUTHENTICATOR_LENGTHS[type]) return undefined;
  return {
    type,
    nonce: bytes.subarray(NONCE, CHALLENGE_DIGEST),
    challengeDigest: bytes.subarray(CHALLENGE_DIGEST, KEY_ID),
    keyId: bytes.subarray(KEY_ID, AUTHENTICATOR),
  };
}

/** Bytes of base64url with or without padding, in quotes or not; `undefined` for anything else. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    // Not every sender knows the alphabet of RFC 4648, section 5, by heart.
    const plain = text.trim().replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    return Uint8Array.fromBase64(plain, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

function readChallenge({ params }: Challenge): TokenChallenge | undefined {
  const bytes = fromBase64Url(params.get("challenge") ?? "");
  const key = params.get("token-key");
  const tokenKey = key === undefined ? undefined : fromBase64Url(key);
  if (bytes === undefined || (key !== undefined && tokenKey === undefined)) return undefined;
  const fields = readFields(bytes);
  return fields && { ...fields, bytes, tokenKey };
}

function readFields(bytes: Uint8Array<ArrayBuffer>) {
  let at = 0;
  const number = (width: number): number => {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + (bytes[at++] ?? NaN);
    return value;
  };
  const part = (width: number): Uint8Array<ArrayBuffer> | undefined => {
    const length = number(width);
    if (!(at + length <= bytes.length)) return undefined;
    return bytes.slice(at, at += length);
  };
  const type = number(2);
  const [name, context, info] = [part(2), part(1), part(2)];
  if (name === undefined || context === undefined || info === undefined) return undefined;
  const isSound = at === bytes.length && name.length > 0 &&
    AUTHENTICATOR_LENGTHS[type] !== undefined && CONTEXT_LENGTHS.includes(context.length);
  if (!isSound) return undefined;
  const text = new TextDecoder();
  const origins = text.decode(info).split(",").filter((origin) => origin !== "");
  return { type, issuer: text.decode(name), context, origins };
}

function u16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

/**
 * Privacy Pass (RFC 9577): the proxy's challenge is answered with a token that is used once and tells nobody who we are. Where tokens
 * come from is up to a source; here they are only matched with the challenge they were made for.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  fromBase64Url,
  readToken,
  readTokenChallenges,
  type TokenChallenge,
} from "../../masque/private_token.ts";
import type { Authorizer } from "./secret.ts";

/**
 * Gives tokens for a challenge, in base64url, as many as it likes to: those that are left over wait for the next request. None when it has no more.
 */
export type PrivateTokenSource = (challenge: TokenChallenge) => Promise<readonly string[]>;

/** Tokens that wait for a request. More than a source gives in a sensible batch; a token takes half a kilobyte. */
const MAX_WAITING = 1_024;

/** Answers challenges. */
export class PrivateTokens implements Authorizer {
  readonly #source: PrivateTokenSource;
  /** The last challenge that any later request may answer as well (RFC 9577, section 2.1.1: without a redemption context). */
  #standing: TokenChallenge | undefined;
  #waiting: string[] = [];
  /** One question to the source at a time: the next in line may find a token left over. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Takes tokens from `source`. */
  constructor(source: PrivateTokenSource) {
    this.#source = source;
  }

  next(): Promise<string | undefined> | undefined {
    return this.#standing && this.#answer(this.#standing);
  }

  async after(_sent: string | undefined, headers: Headers): Promise<string | undefined> {
    const fields = [headers.get("proxy-authenticate"), headers.get("www-authenticate")];
    for (const challenge of fields.flatMap((field) => readTokenChallenges(field ?? ""))) {
      const answer = await this.#answer(challenge);
      if (answer === undefined) continue;
      this.#standing = challenge.context.length === 0 ? challenge : undefined;
      return answer;
    }
  }

  #answer(challenge: TokenChallenge): Promise<string | undefined> {
    const answer = this.#turn.then(() => this.#take(challenge));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #take(challenge: TokenChallenge): Promise<string | undefined> {
    const isFor = matcher(challenge);
    let at = this.#waiting.findIndex(isFor);
    if (at < 0) {
      const more = await this.#source(challenge);
      this.#waiting = [...more.filter(isFor), ...this.#waiting].slice(0, MAX_WAITING);
      at = this.#waiting.findIndex(isFor);
    }
    if (at < 0) return undefined;
    const [token] = this.#waiting.splice(at, 1);
    // With padding, as RFC 9577, section 2.2.1, asks for.
    const text = fromBase64Url(token)!.toBase64({ alphabet: "base64url" });
    return `PrivateToken token="${text}"`;
  }
}

/** Whether a token in base64url was made for `challenge`. */
export function matcher({ type, bytes, tokenKey }: TokenChallenge): (token: string) => boolean {
  const digest = sha256(bytes);
  const keyId = tokenKey && sha256(tokenKey);
  return (token) => {
    const fields = readToken(fromBase64Url(token) ?? new Uint8Array(0));
    return fields !== undefined && fields.type === type &&
      digest.equals(fields.challengeDigest) && (keyId?.equals(fields.keyId) ?? true);
  };
}

function sha256(bytes: Uint8Array) {
  return createHash("sha256").update(bytes).digest();
}

/**
 * Secrets that may change while the program runs.
 *
 * @module
 */

/**
 * A secret, or a function that is asked for it before each request, so that one that was exchanged is picked up at once. It gets the value
 * that the proxy has just refused, and may then go and fetch another; `undefined` sends no credentials.
 */
export type Secret = string | SecretSource;

/** Asked for a secret. */
export type SecretSource = (
  refused?: string,
) => string | undefined | Promise<string | undefined>;

/** Gives requests their `Proxy-Authorization`. */
export interface Authorizer {
  /** For the next request; `undefined` for none. */
  next(): string | undefined | Promise<string | undefined>;
  /** What to send where `sent` was refused with these `headers`; `undefined` when there is nothing better. */
  after(sent: string | undefined, headers: Headers): Promise<string | undefined>;
}

/** A source that was asked on a refusal is not asked on another one before this: a thousand flows are refused in the same moment. */
export const ASK_AGAIN_MS = 2_000;

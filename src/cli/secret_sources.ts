/**
 * Secrets that somebody exchanges while the program runs: a file that is looked at again, a command that is run again.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { fromBase64Url } from "../masque/private_token.ts";
import type { PrivateTokenSource } from "../tunnel/credentials/private_tokens.ts";
import { matcher } from "../tunnel/credentials/private_tokens.ts";
import type { SecretSource } from "../tunnel/credentials/secret.ts";

/** What the sources need of the command line. */
export interface SecretWatch {
  /** Called with each secret before it is used, so that no line of the log repeats it. */
  readonly learn: (secret: string) => void;
  readonly log: Log;
}

/** A file is looked at this often at most: sooner than anybody who has just exchanged it looks at the result. */
const LOOK_EVERY_MS = 1_000;

/** A command for secrets may ask a server, and no longer than a person would wait. */
const COMMAND_TIMEOUT_MS = 30_000;

/** A secret, or a batch of tokens, is no longer than this; a command that says more says something else. */
const MAX_OUTPUT_BYTES = 1 << 20;

/** The first line of a file, and the new one when the file changes. A file that is gone for a moment leaves the secret as it is. */
export function fileSecret(path: string, first: string, { learn, log }: SecretWatch): SecretSource {
  let secret = first;
  let lookedAt = performance.now();
  let isMissing = false;
  return async (refused) => {
    const now = performance.now();
    if (refused === undefined && now - lookedAt < LOOK_EVERY_MS) return secret;
    lookedAt = now;
    try {
      const text = trimEnd(await Deno.readTextFile(path));
      if (isMissing || text !== secret) log.info(`The credentials in "${path}" are new`);
      isMissing = false;
      learn(text);
      secret = text;
    } catch (error) {
      if (!isMissing) {
        log.warn(`Cannot read "${path}" again, so its last content stays: ${words(error)}`);
      }
      isMissing = true;
    }
    return secret;
  };
}

/** What a command prints: run at the first request, and again when the proxy refuses what it printed. */
export function commandSecret(command: string, { learn, log }: SecretWatch): SecretSource {
  let secret: Promise<string | undefined> | undefined;
  const fetchOne = async () => {
    const text = await outputOf(command, {}, log);
    if (text !== undefined) learn(text);
    return text;
  };
  return (refused) => {
    if (secret === undefined || refused !== undefined) secret = fetchOne();
    return secret;
  };
}

/**
 * Privacy Pass tokens of a file, one a line in base64url. A token that is given away is taken out of the file first, so that no later run
 * spends it again.
 */
export function fileTokens(path: string, log: Log): PrivateTokenSource {
  return async (challenge) => {
    try {
      const lines = (await Deno.readTextFile(path)).split("\n");
      const at = lines.findIndex(matcher(challenge));
      if (at < 0) {
        log.warn(`No token in "${path}" is for the challenge of "${challenge.issuer}": add some`);
        return [];
      }
      const [token] = lines.splice(at, 1);
      await replaceFile(path, lines.join("\n"));
      return [token];
    } catch (error) {
      log.warn(`Cannot take a token out of "${path}": ${words(error)}`);
      return [];
    }
  };
}

/** Privacy Pass tokens that a command prints, one a line; it finds the challenge in its environment. */
export function commandTokens(command: string, log: Log): PrivateTokenSource {
  return async ({ bytes, tokenKey, issuer }) => {
    const env = {
      PSEUDOTCP_CHALLENGE: encode(bytes),
      PSEUDOTCP_TOKEN_KEY: tokenKey === undefined ? "" : encode(tokenKey),
      PSEUDOTCP_ISSUER: issuer,
    };
    const text = await outputOf(command, env, log);
    return text?.split("\n").filter((line) => fromBase64Url(line) !== undefined) ?? [];
  };
}

/** What a shell command prints, without its last line end; `undefined`, and a word to the operator, when it fails. */
async function outputOf(
  command: string,
  env: Record<string, string>,
  log: Log,
): Promise<string | undefined> {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
  });
  // The command itself may hold a secret, so no line repeats it.
  const { code, signal, stdout } = await child.output();
  const why = signal !== null
    ? `ended by ${signal}`
    : code !== 0
    ? `failed with status ${code}`
    : stdout.length > MAX_OUTPUT_BYTES
    ? "printed more than a megabyte"
    : stdout.length === 0
    ? "printed nothing"
    : undefined;
  if (why === undefined) return trimEnd(new TextDecoder().decode(stdout));
  log.warn(`The command for credentials ${why}`);
}

/** At once, so that nobody reads half a file. */
async function replaceFile(path: string, text: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  const part = `${path}.${crypto.randomUUID()}.part`;
  await Deno.writeTextFile(part, text, { mode: mode === null ? 0o600 : mode & 0o777 });
  await Deno.rename(part, path);
}

function trimEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function encode(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url" });
}

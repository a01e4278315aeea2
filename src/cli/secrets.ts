/**
 * Secrets from where others do not read them. An argument stands in the list of processes for every user to see, so a
 * secret may come from a file or from the environment. No message repeats one.
 *
 * @module
 */

import { type Credentials, proxyAuthorization } from "../masque/auth.ts";
import { UsageError } from "./usage_error.ts";

/** The world around the command line, so that tests bring their own. */
export interface Surroundings {
  /** A variable of the environment. */
  readonly env: (name: string) => string | undefined;
  /** The text of a file; throws when it cannot be read. */
  readonly readTextFile: (path: string) => string;
}

/** The variables that hold secrets. Programs that we start do not get them. */
export const SECRET_VARIABLES = { token: "PSEUDOTCP_TOKEN", basic: "PSEUDOTCP_BASIC" } as const;

/**
 * The credentials of the command line, or without any there, of the environment.
 *
 * @throws {UsageError} If there are two kinds, or one that no header field can carry
 */
export function readCredentials(
  given: { readonly token?: string; readonly basic?: string },
  around: Surroundings,
): Credentials {
  if (given.token !== undefined && given.basic !== undefined) {
    throw new UsageError("Options --token and --basic exclude each other: give one");
  }
  const fromOptions = given.token ?? given.basic;
  const { token, basic } = fromOptions !== undefined ? given : fromEnvironment(around);
  if (token !== undefined) return checked({ token: readSecret("token", token, around) });
  if (basic !== undefined) return checked({ basic: readSecret("basic", basic, around) });
  return {};
}

/** The token of the command line or of the environment; undefined when there is none. */
export function readToken(given: string | undefined, around: Surroundings): string | undefined {
  const token = given ?? variable("token", around);
  return token === undefined
    ? undefined
    : checked({ token: readSecret("token", token, around) }).token;
}

function fromEnvironment(around: Surroundings): { token?: string; basic?: string } {
  const [token, basic] = [variable("token", around), variable("basic", around)];
  if (token !== undefined && basic !== undefined) {
    throw new UsageError("PSEUDOTCP_TOKEN and PSEUDOTCP_BASIC exclude each other: unset one");
  }
  return { token, basic };
}

/** An empty variable is as good as none: that is how a shell unsets one for a single command. */
function variable(kind: keyof typeof SECRET_VARIABLES, around: Surroundings): string | undefined {
  return around.env(SECRET_VARIABLES[kind]) || undefined;
}

function readSecret(option: string, text: string, around: Surroundings): string {
  if (!text.startsWith("@")) return text;
  return readFile(option, text.slice(1), around).replace(/\r?\n$/, "");
}

/**
 * The text of the file that an option names.
 *
 * @throws {UsageError} If it cannot be read
 */
export function readFile(option: string, path: string, around: Surroundings): string {
  try {
    return around.readTextFile(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "reading it is not permitted"
      : (error as Error).message;
    throw new UsageError(`Option --${option} cannot read "${path}": ${why}`);
  }
}

function checked(credentials: Credentials): Credentials {
  try {
    proxyAuthorization(credentials);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return credentials;
}

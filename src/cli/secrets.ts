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
  given: Given,
  around: Surroundings,
  isChain = false,
): { readonly credentials: Credentials; readonly credentialsFile?: string } {
  const isGiven = KINDS.some((kind) => given[kind] !== undefined);
  const from = isGiven ? given : fromEnvironment(around);
  const kind = KINDS.find((kind) => from[kind] !== undefined);
  if (kind === undefined) return { credentials: {} };
  if (!isGiven && isChain) {
    throw new UsageError(
      "The secret in the environment is for one proxy: in a chain give it behind its --proxy, or unset it",
    );
  }
  const option = kind === "privacyToken" ? "privacy-token" : kind;
  const text = from[kind]!;
  const credentials = checked({ [kind]: readSecret(option, text, around) });
  return text.startsWith("@") ? { credentials, credentialsFile: text.slice(1) } : { credentials };
}

/** The texts of the options, as they stand there. */
type Given = { readonly [Kind in typeof KINDS[number]]?: string };

/** Secrets that are one text. */
const KINDS = ["token", "basic", "privacyToken"] as const;

/** The token of the command line or of the environment; undefined when there is none. */
export function readToken(given: string | undefined, around: Surroundings): string | undefined {
  const token = given ?? variable("token", around);
  return token === undefined
    ? undefined
    : checked({ token: readSecret("token", token, around) }).token;
}

/** The text of a PEM file that holds what it should. */
export function readPem(
  option: string,
  path: string,
  label: string,
  around: Surroundings,
): string {
  const text = readFile(option, path, around);
  const labels = Array.from(text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g), (match) => match[1]);
  if (labels.some((found) => found.includes(label))) return text;
  throw new UsageError(`Option --${option} finds no PEM ${label.toLowerCase()} in "${path}"`);
}

function fromEnvironment(around: Surroundings): Given {
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

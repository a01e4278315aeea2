/**
 * What a proxy says it wants: challenges (RFC 9110, section 11.6.1), and in particular those of Privacy Pass (RFC 9577, section 2.1).
 *
 * @module
 */

/** One challenge of `Proxy-Authenticate` or `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case, because schemes do not mind their case. */
  readonly scheme: string;
  /** Names in lower case; values without their quotes. */
  readonly params: ReadonlyMap<string, string>;
}

/** A proxy that asks for more than this asks for nothing that we have. */
const MAX_CHALLENGES = 16;

/** Scheme, or parameter: `name`, or `name = value`, or `name = "value"`. The characters are those of a token (RFC 9110, section 5.6.2). */
const NAME = /[A-Za-z0-9!#$%&'*+\-.^_`|~]+/y;
const EQUALS = /[ \t]*=[ \t]*(?![=])/y;
/** Wider than a token, because `challenge=` carries base64 with its padding, and not every proxy quotes it. */
const VALUE = /[A-Za-z0-9!#$%&'*+\-.^_`|~/]+=*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const SPACE = /[ \t]*/y;
const COMMAS = /[ \t,]*/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;

/**
 * Reads the challenges of a field. What cannot be read ends the list.
 *
 * @example Two schemes in one field
 * ```ts
 * import { parseChallenges } from "./challenges.ts";
 *
 * const [basic, bearer] = parseChallenges('Basic realm="a, b", Bearer');
 * if (basic.params.get("realm") !== "a, b" || bearer.scheme !== "bearer") throw new Error("unexpected");
 * ```
 */
export function parseChallenges(field: string): Challenge[] {
  const found: { scheme: string; params: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(field);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < field.length) {
    take(COMMAS);
    if (at >= field.length) break;
    const name = take(NAME)?.[0].toLowerCase();
    if (name === undefined) break;
    const isParameter = found.length > 0 && take(EQUALS) !== null;
    if (isParameter) {
      const value = take(QUOTED)?.[1].replace(/\\(.)/g, "$1") ?? take(VALUE)?.[0];
      if (value === undefined) break;
      found.at(-1)!.params.set(name, value);
    } else {
      if (found.length === MAX_CHALLENGES) break;
      found.push({ scheme: name, params: new Map() });
      take(SPACE);
      take(TOKEN68); // of schemes that we do not speak
    }
  }
  return found;
}

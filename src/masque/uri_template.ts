/**
 * URI Templates (RFC 6570) up to level 3, and the rules that RFC 9298, section 2, adds for the template of a UDP proxy.
 *
 * Level 4 (prefixes and lists) is absent: no value here is a list, and RFC 9298 forbids it.
 *
 * @module
 */

/** The template of a proxy that has no other (RFC 9298, section 2); it follows the proxy's origin. */
export const DEFAULT_UDP_PATH = "/.well-known/masque/udp/{target_host}/{target_port}/";

/** The same for TCP (draft-ietf-httpbis-connect-tcp, section 5.2). */
export const DEFAULT_TCP_PATH = "/.well-known/masque/tcp/{target_host}/{target_port}/";

/** What an operator does (RFC 6570, appendix A). */
interface Operator {
  readonly first: string;
  readonly separator: string;
  readonly isNamed: boolean;
  /** What stands behind the name of an empty value. */
  readonly ifEmpty: string;
  readonly allowsReserved: boolean;
}

const operator = (
  first: string,
  separator: string,
  isNamed = false,
  ifEmpty = "",
  allowsReserved = false,
): Operator => ({ first, separator, isNamed, ifEmpty, allowsReserved });

const OPERATORS: Readonly<Record<string, Operator>> = {
  "": operator("", ","),
  "+": operator("", ",", false, "", true),
  ".": operator(".", "."),
  "/": operator("/", "/"),
  ";": operator(";", ";", true),
  "?": operator("?", "&", true, "="),
  "&": operator("&", "&", true, "="),
  "#": operator("#", ",", false, "", true),
};

/** `{`, an operator, names between commas, `}` (RFC 6570, section 2.2). */
const EXPRESSION =
  /\{([+#./;?&]?)((?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:[A-Za-z0-9_.,]|%[0-9A-Fa-f]{2})*)\}/g;

/** Values for variables; one without a value leaves no trace. */
export type TemplateVariables = Readonly<Record<string, string | undefined>>;

/**
 * Expands a template of at most level 3. What is no such expression stays as it is, characters beyond ASCII are percent-encoded as
 * RFC 6570, section 3.1, has it.
 *
 * @example Colons of IPv6 are percent-encoded
 * ```ts
 * import { expandTemplate } from "./uri_template.ts";
 *
 * const path = expandTemplate("/masque{?h,p}", { h: "2001:db8::42", p: "443" });
 * if (path !== "/masque?h=2001%3Adb8%3A%3A42&p=443") throw new Error(path);
 * ```
 */
export function expandTemplate(template: string, variables: TemplateVariables): string {
  let expanded = "";
  let at = 0;
  for (const match of template.matchAll(EXPRESSION)) {
    expanded += encode(template.slice(at, match.index), true);
    expanded += expandExpression(OPERATORS[match[1]], match[2].split(","), variables);
    at = match.index + match[0].length;
  }
  return expanded + encode(template.slice(at), true);
}

function expandExpression(
  { first, separator, isNamed, ifEmpty, allowsReserved }: Operator,
  names: readonly string[],
  variables: TemplateVariables,
): string {
  const parts: string[] = [];
  for (const name of names) {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) continue;
    const text = encode(value, allowsReserved);
    if (!isNamed) parts.push(text);
    else parts.push(text === "" ? name + ifEmpty : `${name}=${text}`);
  }
  return parts.length === 0 ? "" : first + parts.join(separator);
}

/** Percent-encodes all but the unreserved characters, and but the reserved ones and triplets where those are allowed. */
function encode(text: string, allowsReserved: boolean): string {
  const kept = allowsReserved
    ? /[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}/y
    : /[A-Za-z0-9\-._~]/y;
  let encoded = "";
  for (let at = 0; at < text.length;) {
    kept.lastIndex = at;
    const match = kept.exec(text)?.[0];
    const piece = match ?? String.fromCodePoint(text.codePointAt(at)!);
    encoded += match ?? percentEncode(piece);
    at += piece.length;
  }
  return encoded;
}

function percentEncode(character: string): string {
  // encodeURIComponent leaves some of the reserved characters alone and throws on half a surrogate pair.
  const utf8 = encodeURIComponent(character.isWellFormed() ? character : "\ufffd");
  return utf8.length > 1 ? utf8 : `%${utf8.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Operators that RFC 9298, section 2, forbids, by name. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  "+": "reserved expansion",
  "#": "fragment expansion",
  ".": "label expansion",
  "/": "path segment expansion",
  ";": "path-style parameter expansion",
};

const VARIABLES = ["target_host", "target_port"];

/**
 * Reads the template of a UDP proxy and checks it against RFC 9298, section 2: absolute, visible ASCII, level 3 at most, `target_host` and
 * `target_port` in its path or query, and nowhere else a variable. Returns it as it was given.
 *
 * @throws {TypeError} If the template breaks one of these rules; the message says which
 *
 * @example A template with a query
 * ```ts
 * import { checkUdpTemplate } from "./uri_template.ts";
 *
 * const template = checkUdpTemplate("https://proxy.example/masque{?target_host,target_port}");
 * if (!template.startsWith("https:")) throw new Error("unexpected");
 * ```
 */
export function checkUdpTemplate(template: string): string {
  return checkTemplate(template, "UDP");
}

/** The same for the template of a TCP proxy, which has the same rules (draft-ietf-httpbis-connect-tcp, section 3). Throws a `TypeError`. */
export function checkTcpTemplate(template: string): string {
  return checkTemplate(template, "TCP");
}

function checkTemplate(template: string, protocol: "TCP" | "UDP"): string {
  const refuse = (why: string) => {
    return new TypeError(`Cannot use "${template}" as the template of a ${protocol} proxy: ${why}`);
  };
  if (!/^[\x21-\x7e]+$/.test(template)) throw refuse("it may hold visible ASCII only");
  const shape = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#{}]+)(\/[^#]*)$/.exec(template);
  if (shape === null) {
    throw refuse("write it as https://HOST[:PORT]/PATH with {target_host} and {target_port}");
  }
  const names: string[] = [];
  for (const [, symbol, list] of shape[2].matchAll(EXPRESSION)) {
    if (symbol in FORBIDDEN) throw refuse(`it may not use ${FORBIDDEN[symbol]}, {${symbol}...}`);
    names.push(...list.split(","));
  }
  if (/[{}]/.test(shape[2].replaceAll(EXPRESSION, ""))) {
    throw refuse("an expression of it is not one of level 3");
  }
  for (const name of VARIABLES) {
    if (!names.includes(name)) throw refuse(`the variable {${name}} is missing`);
  }
  return template;
}

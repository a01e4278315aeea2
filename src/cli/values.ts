/**
 * From texts to values: each function reads one kind, and says in one sentence what is wrong with the text.
 *
 * @module
 */

import { dohUrl } from "../dns/doh.ts";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import { checkFields } from "../masque/h1_request.ts";
import { checkTcpTemplate, checkUdpTemplate } from "../masque/uri_template.ts";
import { formatCidr, formatIp, parseCidr, parseIp } from "../wire/address.ts";
import { UsageError } from "./usage_error.ts";

/** Where a server listens. */
export interface Endpoint {
  /** A name or an address, without brackets. */
  readonly hostname: string;
  /** 0 to 65535; 0 takes a free one. */
  readonly port: number;
}

/** What IPv6 needs (RFC 8200, section 5). */
const MIN_MTU = 1280;
const MAX_MTU = 65_535;
/** A named namespace is a file below /run/netns. */
const NAMESPACE = /^(?!\.{1,2}$)[^/\s]{1,255}$/;
/** IFNAMSIZ less its zero; the kernel refuses slashes, colons and spaces. */
const INTERFACE = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;
const DECIMAL = /^[0-9]{1,10}$/;

/** Reads one of the words that an option takes. */
export function readChoice<T extends string>(
  option: string,
  text: string,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  const all = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  throw new UsageError(`Option --${option} does not take "${text}": give ${all}`);
}

/** Reads a level of the log. */
export function readLogLevel(text: string): LogLevel {
  return readChoice("log", text, LOG_LEVELS);
}

/** Reads a number from `min` to `max`. */
export function readNumber(option: string, text: string, min: number, max: number): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(
    `Option --${option} does not take "${text}": give a number from ${min} to ${max}`,
  );
}

/** A connection that is asked more often than this costs more than it tells; after an hour nobody waits any more. */
const [MIN_PING_S, MAX_PING_S] = [0.1, 3_600];

/** Reads two numbers of seconds, such as `3,2`. */
export function readPing(text: string): { readonly idle: number; readonly wait: number } {
  const [, idle, wait] = (/^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(text) ?? []).map(Number);
  if ([idle, wait].every((seconds) => seconds >= MIN_PING_S && seconds <= MAX_PING_S)) {
    return { idle, wait };
  }
  throw new UsageError(
    `Option --ping does not take "${text}": give two numbers of seconds, such as 3,2`,
  );
}

/** Reads an MTU in bytes. */
export function readMtu(text: string): number {
  return readNumber("mtu", text, MIN_MTU, MAX_MTU);
}

/** Reads the proxy's URL, or the word `embedded`. The message never repeats a URL with a password in it. */
export function readProxy(text: string): URL | "embedded" {
  if (text === "embedded") return text;
  const url = URL.parse(text);
  if (url !== null && (url.username !== "" || url.password !== "")) {
    throw new UsageError(
      "Option --proxy takes no user and password, which every user could see: give --basic @FILE",
    );
  }
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  // "proxy.example:443" is a URL with a strange scheme, so show what was meant.
  if (url === null || !isHttp || !/^https?:\/\//i.test(text)) {
    throw new UsageError(
      `Option --proxy does not take "${text}": give https://HOST[:PORT], http://HOST[:PORT] or embedded`,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new UsageError(`Option --proxy takes no path: give "${url.origin}"`);
  }
  return url;
}

/** Reads a block of addresses into its one spelling. */
export function readCidr(option: string, text: string): string {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return formatCidr(cidr);
  throw new UsageError(
    `Option --${option} does not take "${text}": give a block such as 198.18.0.1/15 or fd00::1/64`,
  );
}

/** Reads the address of a nameserver into its one spelling. */
export function readAddress(text: string): string {
  const address = parseIp(text);
  if (address !== undefined) return formatIp(address);
  throw new UsageError(
    `Option --nameserver does not take "${text}": give an address such as 9.9.9.9 or 2620:fe::fe`,
  );
}

/** Reads an address of this machine into its one spelling. */
export function readBind(text: string): string {
  const address = parseIp(text);
  if (address !== undefined) return formatIp(address);
  throw new UsageError(
    `Option --bind does not take "${text}": give an address of this machine, one of each family`,
  );
}

/** Reads the template of a proxy at a resource of its own. */
export function readTemplate(protocol: "tcp" | "udp", text: string): string {
  try {
    return protocol === "tcp" ? checkTcpTemplate(text) : checkUdpTemplate(text);
  } catch (error) {
    throw new UsageError(
      `Option --${protocol}-template cannot be followed: ${(error as Error).message}`,
    );
  }
}

/** Reads the URL of a DNS server. */
export function readDoh(text: string): URL {
  try {
    return dohUrl(text);
  } catch (error) {
    throw new UsageError(`Option --doh cannot be followed: ${(error as Error).message}`);
  }
}

/** Reads `HOST:PORT`, with brackets around an IPv6 address. */
export function readEndpoint(
  text: string,
  option = "listen",
  example = "127.0.0.1:8443",
): Endpoint {
  const match = /^(?:\[([^\][]*)\]|([^\][:]+)):([0-9]{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  const isIpv6 = match?.[1] === undefined || parseCidr(hostname)?.address.length === 16;
  if (match === null || !isIpv6 || hostname.includes("/") || port > 65_535) {
    throw new UsageError(
      `Option --${option} does not take "${text}": give HOST:PORT, such as ${example} or [::1]:8443`,
    );
  }
  return { hostname, port };
}

/** Reads the same for somewhere to go. */
export function readTarget(text: string): Endpoint {
  const target = readEndpoint(text, "target", "example.com:443");
  if (target.port > 0) return target;
  throw new UsageError(`Option --target does not take "${text}": its port is 1 to 65535`);
}

/** Reads `Name: value`. The message keeps the value to itself: it may be a secret. */
export function readHeader(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(":");
  if (colon < 1) {
    throw new UsageError("Option --header needs a name and a value: --header 'Name: value'");
  }
  const field = [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
  try {
    checkFields([field]);
  } catch (error) {
    throw new UsageError(`Option --header cannot be sent: ${(error as Error).message}`);
  }
  return field;
}

/** Reads the SHA-256 of a certificate, hexadecimal or base64, into 64 hexadecimal digits. */
export function readPin(text: string): string {
  if (text.startsWith("sha256//")) {
    throw new UsageError(
      "Option --pin takes the SHA-256 of the certificate, and sha256//... is the one of its key",
    );
  }
  const digest = text.replace(/^sha256[:/]/i, "");
  const hex = digest.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  const base64 = digest.replaceAll("-", "+").replaceAll("_", "/");
  // 32 bytes are 43 digits, of which the last carries four bits.
  if (/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=?$/.test(base64)) {
    return Uint8Array.fromBase64(base64.slice(0, 43) + "=").toHex();
  }
  throw new UsageError(
    `Option --pin does not take "${text}": give the SHA-256 of the certificate, 64 hexadecimal digits or base64`,
  );
}

/** Reads the name of an interface, which may hold one `%d`. */
export function readInterface(text: string): string {
  if (INTERFACE.test(text)) return text;
  throw new UsageError(
    `Option --tun does not take "${text}": a name has 1 to 15 characters, no slash, colon or space`,
  );
}

/** Reads the name of a network namespace. */
export function readNamespace(text: string): string {
  if (NAMESPACE.test(text)) return text;
  throw new UsageError(`Option --netns does not take "${text}": ip netns list shows the names`);
}

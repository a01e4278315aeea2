/**
 * `host:port`, the request target of a CONNECT (RFC 9110, section 9.3.6; RFC 3986, section 3.2).
 *
 * Stricter than RFC 3986 on purpose: no userinfo, no empty host, no percent-encoding (a DNS name needs none), no zone
 * identifier, and the port is always there. What passes can stand in a request line without being able to end it.
 *
 * @module
 */

/** The two halves of an authority. */
export interface Authority {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** The longest host taken: a DNS name in text has at most 253 characters, and one dot at the end. */
const MAX_HOSTNAME_LENGTH = 254;

/** unreserved and sub-delims of RFC 3986, section 2. */
const REG_NAME = /^[A-Za-z0-9\-._~!$&'()*+,;=]+$/;

/** The alphabet of an IPv6 address with at least two colons; whoever dials it parses it in full. */
const IPV6_SHAPE = /^(?=.*:.*:)[0-9A-Fa-f:]+(?:[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)?$/;

const PORT = /^[1-9][0-9]{0,4}$/;

/**
 * Joins a host and a port; IPv6 addresses get brackets. Throws a `TypeError` or `RangeError` on a host or a port that
 * {@linkcode parseAuthority} would not take.
 *
 * @example An IPv6 address
 * ```ts
 * import { formatAuthority } from "./authority.ts";
 *
 * const authority = formatAuthority("2001:db8::1", 443);
 * if (authority !== "[2001:db8::1]:443") throw new Error(authority);
 * ```
 */
export function formatAuthority(hostname: string, port: number): string {
  if (!isHostname(hostname)) {
    throw new TypeError(
      `Cannot form an authority: "${hostname}" is neither a name nor an address without brackets`,
    );
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`Cannot form an authority: the port "${port}" is not within 1 to 65535`);
  }
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Splits an authority; `undefined` when it is not exactly one host and one port. */
export function parseAuthority(text: string): Authority | undefined {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return undefined;
  const portText = text.slice(colon + 1);
  const port = Number(portText);
  if (!PORT.test(portText) || port > 65_535) return undefined;

  let hostname = text.slice(0, colon);
  const bracketed = hostname.startsWith("[") && hostname.endsWith("]");
  if (bracketed) hostname = hostname.slice(1, -1);
  if (!isHostname(hostname) || bracketed !== hostname.includes(":")) return undefined;
  return { hostname, port };
}

function isHostname(text: string): boolean {
  if (text.length > MAX_HOSTNAME_LENGTH) return false;
  return text.includes(":") ? IPV6_SHAPE.test(text) : REG_NAME.test(text);
}

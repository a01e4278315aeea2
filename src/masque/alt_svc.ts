/**
 * `Alt-Svc`: where else a service is to be had (RFC 7838).
 *
 * @module
 */

/** One alternative. */
export interface Alternative {
  /** The ALPN name of its protocol, such as `h3`. */
  readonly protocol: string;
  /** Its host; empty for the same one. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
  /** For how many seconds it may be remembered. */
  readonly maxAge: number;
}

/** RFC 7838, section 3.1. */
const DEFAULT_MAX_AGE_S = 86_400;

/** Longer than a month is longer than anybody leaves a program running. */
const MAX_AGE_S = 30 * 86_400;

/** More alternatives than this are of no more use. */
const MAX_ALTERNATIVES = 16;

/** `protocol="authority"`, and parameters up to the next comma outside of quotes. */
const ENTRY = /\s*([A-Za-z0-9!#$%&'*+\-.^_`|~]+)="([^"]*)"((?:[^,"]|"[^"]*")*)(?:,|$)/y;

/**
 * Reads a field: the alternatives in their order, `clear` for "forget all others", and none where there is nothing to be read. What is malformed
 * ends the list.
 *
 * @example HTTP/3 on another port
 * ```ts
 * import { parseAltSvc } from "./alt_svc.ts";
 *
 * const found = parseAltSvc('h3=":8443"; ma=60');
 * if (found === "clear" || found[0].port !== 8443) throw new Error("unexpected");
 * ```
 */
export function parseAltSvc(field: string): readonly Alternative[] | "clear" {
  if (field.trim() === "clear") return "clear"; // in this case only (RFC 7838, section 3)
  const found: Alternative[] = [];
  ENTRY.lastIndex = 0;
  while (found.length < MAX_ALTERNATIVES) {
    const match = ENTRY.exec(field);
    if (match === null) break;
    const [, protocol, authority, rest] = match;
    const [, hostname, digits] = /^(\[[\da-f:.]+\]|[^:[\]]*):(\d{1,5})$/i.exec(authority) ?? [];
    const port = Number(digits);
    if (!(port >= 1 && port <= 65_535)) continue;
    const [, seconds] = /;\s*ma\s*=\s*"?(\d+)/i.exec(rest) ?? [];
    const maxAge = Math.min(MAX_AGE_S, seconds === undefined ? DEFAULT_MAX_AGE_S : Number(seconds));
    found.push({
      protocol: unescape(protocol),
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      maxAge,
    });
  }
  return found;
}

/** RFC 7838, section 3: octets that a token cannot hold are written as `%XX`. */
function unescape(protocol: string): string {
  return protocol.replace(/%([\dA-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

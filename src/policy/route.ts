/**
 * Which flow goes where. PURE: a decision about addresses and names, taken before anything is opened.
 *
 * @module
 */

import { formatIp, parseIp } from "../wire/address.ts";
import type { Refusal } from "../outcome.ts";

/** The port of DNS over UDP and TCP (RFC 1035; RFC 7766). */
export const DNS_PORT = 53;
/** The port of DNS over TLS (RFC 7858), over DTLS (RFC 8094) and over QUIC (RFC 9250). */
export const DOT_PORT = 853;

/** Where a flow goes. */
export type Route =
  /** Through the tunnel, to a name that the proxy resolves or to an address. */
  | { readonly to: "tunnel"; readonly hostname: string; readonly port: number }
  /** To the resolver in this process. */
  | { readonly to: "resolver" }
  /** Nowhere: `refusal` is for the program, and `why` for the operator. */
  | { readonly to: "nowhere"; readonly refusal: Refusal; readonly why: string };

/** What the router knows of names. */
export interface Names {
  /** Whether questions are answered in this process, whichever resolver the program believes in. */
  readonly isResolver: boolean;
  /** Whether an address was made up by the resolver of this process. */
  isFake(address: Uint8Array): boolean;
  /** The name behind such an address. */
  nameOf(address: Uint8Array): string | undefined;
}

/** What somebody has decided. */
export interface Policy {
  /** Refuses DNS over TLS and QUIC, so that programs come back to port 53. */
  readonly blockDot?: boolean;
}

/** Decides about one destination. */
export function routeOf(
  destination: { readonly hostname: string; readonly port: number },
  names: Names,
  { blockDot = false }: Policy = {},
): Route {
  const { hostname, port } = destination;
  // A question that left here would go around whoever answers the others.
  if (port === DNS_PORT && names.isResolver) return { to: "resolver" };
  if (port === DOT_PORT && blockDot) {
    return { to: "nowhere", refusal: "reset", why: "DNS over TLS is blocked" };
  }
  const address = parseIp(hostname)!;
  if (!names.isFake(address)) return { to: "tunnel", hostname, port };
  const name = names.nameOf(address);
  if (name !== undefined) return { to: "tunnel", hostname: name, port };
  const why = `no name belongs to the address ${formatIp(address)} any more`;
  return { to: "nowhere", refusal: "host-unreachable", why };
}

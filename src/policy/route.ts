/**
 * Which flow goes where. PURE: a decision about addresses and names, taken before anything is opened.
 *
 * @module
 */

import { formatIp, parseIp } from "../wire/address.ts";

/** The port of DNS over UDP and TCP (RFC 1035; RFC 7766). */
export const DNS_PORT = 53;

/** Where a flow goes. */
export type Route =
  /** Through the tunnel, to a name that the proxy resolves or to an address. */
  | { readonly to: "tunnel"; readonly hostname: string; readonly port: number }
  /** To the resolver in this process. */
  | { readonly to: "resolver" }
  /** Nowhere: `why` is for the operator. */
  | { readonly to: "nowhere"; readonly why: string };

/** What the router knows of names. */
export interface Names {
  /** Whether an address was made up by the resolver of this process. */
  isFake(address: Uint8Array): boolean;
  /** The name behind such an address. */
  nameOf(address: Uint8Array): string | undefined;
}

/**
 * Decides about one destination. Without `names` nothing is resolved here, and every flow goes to its address.
 */
export function routeOf(
  destination: { readonly hostname: string; readonly port: number },
  names: Names | undefined,
): Route {
  const { hostname, port } = destination;
  if (names === undefined) return { to: "tunnel", hostname, port };
  // Whichever resolver the program believes in: a question that left here would leak the name.
  if (port === DNS_PORT) return { to: "resolver" };
  const address = parseIp(hostname)!;
  if (!names.isFake(address)) return { to: "tunnel", hostname, port };
  const name = names.nameOf(address);
  if (name !== undefined) return { to: "tunnel", hostname: name, port };
  return { to: "nowhere", why: `no name belongs to the address ${formatIp(address)} any more` };
}

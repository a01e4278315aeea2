/**
 * Addresses as the kernel has them: `sockaddr_in` and `sockaddr_in6` (ip(7), ipv6(7)).
 *
 * @module
 */

import { getU16, setU16 } from "../bytes.ts";
import { AF_INET, AF_INET6 } from "./libc.ts";
import type { Endpoint } from "./udp_socket.ts";

/** Room for either. */
export const SOCKADDR_BYTES = 28;

/** Where the port stands, in either. */
export const PORT = 2;
const IPV4_ADDRESS = 4;
const IPV6_ADDRESS = 8;
const IPV4_LENGTH = 16;

/** Whether the first two bytes, a number in the order of the machine, say IPv6. Both supported architectures are little-endian. */
function isIpv6(bytes: Uint8Array): boolean {
  return bytes[0] === AF_INET6;
}

/** Writes an endpoint at the start of `bytes` and returns the length of the structure. */
export function setSockaddr(bytes: Uint8Array, { address, port }: Endpoint): number {
  const isV4 = address.length === 4;
  bytes.fill(0, 0, SOCKADDR_BYTES);
  bytes[0] = isV4 ? AF_INET : AF_INET6;
  setU16(bytes, PORT, port);
  bytes.set(address, isV4 ? IPV4_ADDRESS : IPV6_ADDRESS);
  return isV4 ? IPV4_LENGTH : SOCKADDR_BYTES;
}

/** Reads an endpoint. */
export function getSockaddr(bytes: Uint8Array): Endpoint {
  const at = isIpv6(bytes) ? IPV6_ADDRESS : IPV4_ADDRESS;
  const address = bytes.slice(at, at + (isIpv6(bytes) ? 16 : 4));
  return { address, port: getU16(bytes, PORT) };
}

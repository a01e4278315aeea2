/**
 * From a request to UDP sockets, or to the reason why there are none.
 *
 * @module
 */

import type { Authority } from "../masque/authority.ts";
import { parseIp, unmapIp } from "../wire/address.ts";
import { openUdpSocket } from "../sockets/open.ts";
import type { UdpSocket, UdpSocketEvents } from "../sockets/udp_socket.ts";
import { admittedAddresses, connectRefusal, type DialOptions } from "./dial.ts";
import type { Refusal } from "./refusal.ts";

/** A socket that leads to the target, or why there is none. */
export type DialledUdp =
  | { readonly ok: true; readonly socket: UdpSocket }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Opens a socket to the first address of the target that the guard admits and that the machine has a way to. The name is resolved before
 * the answer (RFC 9298, section 3.1); whether anybody lives there, UDP cannot tell.
 */
export async function dialUdp(
  target: Authority,
  options: Pick<DialOptions, "guard" | "hosts" | "limits">,
  events: UdpSocketEvents,
): Promise<DialledUdp> {
  const addresses = await admittedAddresses(target.hostname, options);
  if (!Array.isArray(addresses)) return { ok: false, refusal: addresses };
  let failure: unknown;
  for (const address of addresses) {
    try {
      const socket = await openUdpSocket({ remote: { address, port: target.port } }, events);
      return { ok: true, socket };
    } catch (error) {
      failure = error;
    }
  }
  return { ok: false, refusal: connectRefusal(failure) };
}

/** Sockets for all peers, one for each address; or why there are none. */
export type BoundUdp =
  | { readonly ok: true; readonly sockets: readonly UdpSocket[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** Opens a free port on each of the addresses, given as text. */
export async function bindUdp(
  addresses: readonly string[],
  events: UdpSocketEvents,
): Promise<BoundUdp> {
  const sockets: UdpSocket[] = [];
  try {
    for (const text of addresses) {
      const address = unmapIp(parseIp(text)!);
      sockets.push(await openUdpSocket({ bind: { address, port: 0 } }, events));
    }
    return { ok: true, sockets };
  } catch (error) {
    for (const socket of sockets) await socket.close();
    return { ok: false, refusal: connectRefusal(error) };
  }
}

/**
 * Passes addresses to bind on.
 *
 * @throws {TypeError} If one is no address, or two are of one family
 */
export function checkBind(addresses: readonly string[]): readonly string[] {
  const lengths = addresses.map((text) => {
    const address = parseIp(text);
    if (address !== undefined) return unmapIp(address).length;
    throw new TypeError(`Cannot bind to "${text}": it must be an IP address of this machine`);
  });
  if (new Set(lengths).size !== lengths.length || lengths.length === 0) {
    throw new TypeError("Cannot bind to these addresses: give one of IPv4, one of IPv6, or both");
  }
  return addresses;
}

/**
 * From a request to UDP sockets, or to the reason why there are none.
 *
 * @module
 */

import type { Authority } from "../masque/authority.ts";
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

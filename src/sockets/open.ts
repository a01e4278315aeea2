/**
 * Opens UDP sockets, of one of two kinds:
 *
 * - `kernel_socket`: through FFI, on Linux with `--allow-ffi`. A datagram costs 1 to 3 us, and a connected socket hears of ICMP errors.
 * - `node_socket`: through `node:dgram`, everywhere. Some five times slower (Deno 2.9.6), and deaf to ICMP: its `connect` only filters.
 *
 * `Deno.listenDatagram` stands between them in speed, needs `--unstable-net`, and never connects.
 *
 * @module
 */

import { ffiIsUsable } from "./libc.ts";
import { KernelSocket } from "./kernel_socket.ts";
import { openNodeSocket } from "./node_socket.ts";
import type { SocketPlan, UdpSocket, UdpSocketEvents } from "./udp_socket.ts";

/** Opens a socket. Rejects with an `Error` that has a `code` of errno. */
export async function openUdpSocket(
  plan: SocketPlan,
  events: UdpSocketEvents,
): Promise<UdpSocket> {
  return ffiIsUsable() ? new KernelSocket(plan, events) : await openNodeSocket(plan, events);
}

/**
 * What the kernel can do with a TCP connection and Deno does not offer: send a RST, and set TCP_NODELAY under TLS.
 *
 * Deno tells no descriptor, so it is looked for by both addresses of the connection. Through FFI on Linux; elsewhere nothing is found,
 * and the caller goes on without.
 *
 * @module
 */

import { parseIp } from "../wire/address.ts";
import { AF_INET, AF_INET6, ffiIsUsable, libc } from "./libc.ts";
import { getSockaddr, SOCKADDR_BYTES } from "./sockaddr.ts";
import type { Endpoint } from "./udp_socket.ts";

/** A descriptor costs a third of a microsecond to look at, and the embedded proxy holds fewer than this. */
const MAX_DESCRIPTORS = 65_536;

/** netinet/in.h and netinet/tcp.h. */
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

const FAMILIES: readonly number[] = [AF_INET, AF_INET6];

const name = new Uint8Array(SOCKADDR_BYTES);
const nameLength = new Uint8Array(4);
/** The family AF_UNSPEC: "connected to nobody". */
const NOBODY = new Uint8Array(SOCKADDR_BYTES);

/**
 * Closes a connection with a RST, so that the peer does not take what it has for the whole. Where that cannot be done the connection is
 * closed as ever. A connection that is closed already stays so.
 */
export function resetConn(conn: Deno.Conn): void {
  try {
    const descriptor = descriptorOf(conn.localAddr, conn.remoteAddr);
    // Not by SO_LINGER: Deno's own close shuts the write half first, and behind a FIN a RST comes too late.
    if (descriptor !== undefined) libc().connect(descriptor, NOBODY, NOBODY.length);
    conn.close();
  } catch {
    // It is closed.
  }
}

/** Sets TCP_NODELAY for all connections that `listener` accepts from now on: on Linux they inherit it. Says whether it could. */
export function setNoDelayOfAccepted(listener: Deno.Listener): boolean {
  const descriptor = descriptorOf(listener.addr);
  if (descriptor === undefined) return false;
  const on = new Uint8Array(4);
  on[0] = 1;
  return libc().setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, on, on.length) === 0;
}

/** The open descriptor with these addresses; without `remote`, one that is connected to nobody. */
function descriptorOf(local: Deno.Addr, remote?: Deno.Addr): number | undefined {
  const [near, far] = [endpointOf(local), remote && endpointOf(remote)];
  if (near === undefined || (remote && far === undefined) || !ffiIsUsable()) return undefined;
  const { getsockname, getpeername } = libc();
  for (let descriptor = 3; descriptor < MAX_DESCRIPTORS; descriptor++) {
    if (!isAt(getsockname, descriptor, near)) continue;
    if (far ? isAt(getpeername, descriptor, far) : !hasPeer(descriptor)) return descriptor;
  }
  return undefined;
}

function endpointOf(addr: Deno.Addr): Endpoint | undefined {
  if (addr.transport !== "tcp") return undefined;
  const address = parseIp(addr.hostname);
  return address && { address, port: addr.port };
}

type NameCall = ReturnType<typeof libc>["getsockname"];

function isAt(call: NameCall, descriptor: number, { address, port }: Endpoint): boolean {
  if (!tells(call, descriptor)) return false;
  const found = getSockaddr(name);
  return found.port === port && found.address.length === address.length &&
    found.address.every((byte, i) => byte === address[i]);
}

function hasPeer(descriptor: number): boolean {
  return tells(libc().getpeername, descriptor);
}

/** Leaves the answer in `name`; false where the descriptor is no socket, or none of IP. */
function tells(call: NameCall, descriptor: number): boolean {
  nameLength[0] = SOCKADDR_BYTES; // an int of a little-endian machine, as both supported ones are
  return call(descriptor, name, nameLength) === 0 && FAMILIES.includes(name[0]);
}

/**
 * What the kernel can do with a TCP connection and Deno does not offer: send a RST, and set TCP_NODELAY under TLS.
 *
 * Deno tells no descriptor, so it is looked for by both addresses of the connection. Through FFI on Linux; elsewhere nothing is found,
 * and the caller goes on without.
 *
 * @module
 */

import { formatIp, parseIp } from "../wire/address.ts";
import { getU16 } from "../bytes.ts";
import { AF_INET, AF_INET6, ffiIsUsable, libc } from "./libc.ts";
import { getSockaddr, PORT, SOCKADDR_BYTES } from "./sockaddr.ts";
import type { Endpoint } from "./udp_socket.ts";

/** More than a program may have open by itself. */
const MAX_DESCRIPTORS = 65_536;

/**
 * The search ends behind so many descriptors without a socket: the kernel hands out the lowest first, and a connection that the peer has reset
 * is found nowhere, which must not cost a look at all 65,536, a fifth of a microsecond each.
 */
const MAX_GAP = 4096;

/** netinet/in.h and netinet/tcp.h. */
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

/** How many ports there are. */
const PORTS = 65_536;

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
  resetConns([conn]);
}

/** The same for many, with one search. */
export function resetConns(conns: Iterable<Deno.Conn>): void {
  const all = [...conns];
  const pairs = all.map(endsOf).filter((pair) => pair !== undefined);
  const wanted = new Set(pairs.map(([near, far]) => keyOf(near, far)));
  const ports = new Set(pairs.map(([near, far]) => near.port * PORTS + far.port));
  for (const descriptor of wanted.size > 0 && ffiIsUsable() ? sockets() : []) {
    // Both ports by themselves first: of thousands of sockets few are worth a look at their addresses.
    const near = getU16(name, PORT);
    if (!tells(libc().getpeername, descriptor)) continue;
    if (!ports.has(near * PORTS + getU16(name, PORT))) continue;
    const far = getSockaddr(name);
    if (!tells(libc().getsockname, descriptor)) continue;
    if (!wanted.delete(keyOf(getSockaddr(name), far))) continue;
    // Not by SO_LINGER: Deno's own close shuts the write half first, and behind a FIN a RST comes too late.
    libc().connect(descriptor, NOBODY, NOBODY.length);
    if (wanted.size === 0) break;
  }
  for (const conn of all) {
    try {
      conn.close();
    } catch {
      // It is closed.
    }
  }
}

/** Sets TCP_NODELAY for all connections that `listener` accepts from now on: on Linux they inherit it. Says whether it could. */
export function setNoDelayOfAccepted(listener: Deno.Listener): boolean {
  const near = endpointOf(listener.addr);
  if (near === undefined || !ffiIsUsable()) return false;
  const on = new Uint8Array([1, 0, 0, 0]);
  for (const descriptor of sockets()) {
    if (keyOf(getSockaddr(name), peerOf(descriptor)) !== keyOf(near)) continue;
    return libc().setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, on, on.length) === 0;
  }
  return false;
}

/** The open descriptors that are sockets of IP, each with its own address in `name`. */
function* sockets(): Generator<number> {
  const { getsockname } = libc();
  let gap = 0;
  for (let descriptor = 3; descriptor < MAX_DESCRIPTORS && gap < MAX_GAP; descriptor++) {
    gap = tells(getsockname, descriptor) ? 0 : gap + 1;
    if (gap === 0) yield descriptor;
  }
}

function peerOf(descriptor: number): Endpoint | undefined {
  return tells(libc().getpeername, descriptor) ? getSockaddr(name) : undefined;
}

/** Both ends of a connection, or the one of a listener, as a word to look up. */
function keyOf(near: Endpoint, far?: Endpoint): string {
  const words = [near, far].map((end) => end && `${formatIp(end.address)} ${end.port}`);
  return words.join(" ");
}

/** `undefined` for what is no connection of TCP. */
function endsOf(conn: Deno.Conn): [near: Endpoint, far: Endpoint] | undefined {
  const [near, far] = [endpointOf(conn.localAddr), endpointOf(conn.remoteAddr)];
  return near && far && [near, far];
}

function endpointOf(addr: Deno.Addr): Endpoint | undefined {
  if (addr.transport !== "tcp") return undefined;
  const address = parseIp(addr.hostname);
  return address && { address, port: addr.port };
}

/** Leaves the answer in `name`; false where the descriptor is no socket, or none of IP. */
function tells(call: ReturnType<typeof libc>["getsockname"], descriptor: number): boolean {
  nameLength[0] = SOCKADDR_BYTES; // an int of a little-endian machine, as both supported ones are
  return call(descriptor, name, nameLength) === 0 && FAMILIES.includes(name[0]);
}

/**
 * The way to the proxy, kept open while routes lead everything else into the device: a route to one address, through the gateway and the
 * interface that the kernel would take for it now.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { formatIp } from "../wire/address.ts";
import { cString, EEXIST, errorText, libc } from "./ffi.ts";
import { isSameWay, readWay, type Way, wayQuestion, wayRequest } from "./netlink_way.ts";
import { NetlinkSocket } from "./netlink_socket.ts";

/** Ways that are kept until this is disposed of. */
export interface KeptWays extends Disposable {
  /** The addresses that got a route of their own. */
  readonly addresses: readonly Uint8Array[];
  /**
   * Finds the ways anew, after the network has changed: over the first of these interfaces by which the kernel has one. A way that is
   * nowhere to be found stays as it was.
   *
   * @returns The addresses whose way is another one now
   */
  renew(interfaces: readonly string[]): readonly Uint8Array[];
}

/**
 * Keeps the ways to `addresses` as they are now, in the program's own network namespace. An address of this machine needs none, and a
 * route that somebody else made for one stays theirs.
 *
 * @throws {DeviceError} When there is no way now, or the kernel refuses the route
 */
export function keepWays(addresses: readonly Uint8Array[]): KeptWays {
  const ways = new Ways();
  try {
    for (const address of addresses) ways.keep(address);
  } catch (error) {
    ways[Symbol.dispose]();
    throw error;
  }
  return ways;
}

class Ways implements KeptWays {
  #kept: readonly Way[] = [];

  get addresses(): readonly Uint8Array[] {
    return this.#kept.map(({ address }) => address);
  }

  keep(address: Uint8Array): void {
    using socket = openSocket();
    const answer = socket.ask(wayQuestion(address));
    if ("errno" in answer) throw noWay(address, answer.errno);
    const way = readWay(answer, address);
    if (way === undefined) return; // this machine itself
    const errno = socket.transact(wayRequest(way, "add"));
    if (errno !== 0 && errno !== EEXIST) throw noWay(address, errno);
    if (errno === 0) this.#kept = [...this.#kept, way];
  }

  renew(interfaces: readonly string[]): readonly Uint8Array[] {
    using socket = openSocket();
    const indexes = interfaces.map((name) => libc().if_nametoindex(cString(name)));
    const before = this.#kept;
    this.#kept = before.map((way) => {
      // The route must go first, or the kernel would find nothing but it. It may have gone with its interface or its address.
      socket.transact(wayRequest(way, "remove"));
      const found = wayOver(socket, way.address, indexes) ?? way;
      socket.transact(wayRequest(found, "add")); // refused while there is no network at all: the next change comes
      return found;
    });
    return this.#kept.filter((way, at) => !isSameWay(way, before[at])).map(({ address }) =>
      address
    );
  }

  [Symbol.dispose](): void {
    using socket = openSocket();
    for (const way of this.#kept) socket.transact(wayRequest(way, "remove"));
    this.#kept = [];
  }
}

/** The first of the interfaces by which the kernel would reach the address, routes into other interfaces apart. */
function wayOver(
  socket: NetlinkSocket,
  address: Uint8Array,
  indexes: readonly number[],
): Way | undefined {
  for (const index of indexes) {
    const answer = index === 0 ? undefined : socket.ask(wayQuestion(address, index)); // 0: it has just gone
    const way = answer && !("errno" in answer) ? readWay(answer, address) : undefined;
    if (way !== undefined) return way;
  }
  return undefined;
}

function openSocket(): NetlinkSocket {
  return new NetlinkSocket((errno) =>
    new DeviceError("failed", `Cannot ask the kernel for routes: ${errorText(errno)}`)
  );
}

function noWay(address: Uint8Array, errno: number): DeviceError {
  return new DeviceError(
    "failed",
    `Cannot keep the way to the proxy at ${formatIp(address)} open: ${errorText(errno)}`,
  );
}

/**
 * The way to the proxy, kept open while routes lead everything else into the device: a route to one address, through the gateway and the
 * interface that the kernel would take for it now.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { formatIp } from "../wire/address.ts";
import { EEXIST, errorText } from "./ffi.ts";
import { readWay, type Way, wayQuestion, wayRequest } from "./netlink_way.ts";
import { NetlinkSocket } from "./netlink_socket.ts";

/** Ways that are kept until this is disposed of. */
export interface KeptWays extends Disposable {
  /** The addresses that got a route of their own. */
  readonly addresses: readonly Uint8Array[];
}

/**
 * Keeps the ways to `addresses` as they are now, in the program's own network namespace. An address of this machine needs none, and a
 * route that somebody else made for one stays theirs.
 *
 * @throws {DeviceError} When there is no way now, or the kernel refuses the route
 */
export function keepWays(addresses: readonly Uint8Array[]): KeptWays {
  const kept: { readonly address: Uint8Array; readonly way: Way }[] = [];
  const dispose = () => {
    using socket = openSocket();
    for (const { way } of kept.splice(0)) socket.transact(wayRequest(way, "remove"));
  };
  using socket = openSocket();
  try {
    for (const address of addresses) {
      const answer = socket.ask(wayQuestion(address));
      if ("errno" in answer) throw noWay(address, answer.errno);
      const way = readWay(answer, address);
      if (way === undefined) continue; // this machine itself
      const errno = socket.transact(wayRequest(way, "add"));
      if (errno !== 0 && errno !== EEXIST) throw noWay(address, errno);
      if (errno === 0) kept.push({ address, way });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { addresses: kept.map(({ address }) => address), [Symbol.dispose]: dispose };
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

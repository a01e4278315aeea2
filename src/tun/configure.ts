/**
 * Gives an interface its MTU, addresses and routes and brings it up, through rtnetlink, so that no `ip` command is needed.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { type Cidr, formatCidr } from "../wire/address.ts";
import { cString, EACCES, EEXIST, EPERM, errorText, libc } from "./ffi.ts";
import {
  addressRequest,
  linkRequest,
  type NetlinkRequest,
  quietIpv6Request,
  routeRequest,
} from "./netlink.ts";
import { NetlinkSocket } from "./netlink_socket.ts";

/** `struct ifreq`: the name, then a union that holds what is asked for (linux/if.h). */
const IFREQ_LENGTH = 40;
/** Where the union starts; the name before it is 16 bytes with its final zero. */
const IFREQ_VALUE = 16;
/** linux/sockios.h. */
const SIOCGIFMTU = 0x8921;
const SIOCGIFINDEX = 0x8933;

/** What an interface shall have. */
export interface LinkConfiguration {
  /** Bytes; unchanged when left out. */
  readonly mtu?: number;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly Cidr[];
  readonly up: boolean;
  /** How many packets may wait for their reader; unchanged when left out. */
  readonly queuePackets?: number;
}

/**
 * Configures the interface `name` in the network namespace of the calling thread.
 *
 * @returns The MTU that the interface has then
 * @throws {DeviceError} `not-permitted`, or `failed` with the step that the kernel refused
 */
export function configureLink(name: string, configuration: LinkConfiguration): number {
  using socket = netlinkSocket();
  const index = askInterface(socket, SIOCGIFINDEX, name);
  const ask = (what: string, message: NetlinkRequest) => {
    const errno = socket.transact(message);
    if (errno !== 0) throw refused(what, errno);
  };
  const { mtu, addresses, routes, up, queuePackets } = configuration;
  if (queuePackets !== undefined) {
    // The owner of a persistent device may use it and not change it: what is refused here is speed, and nothing else.
    socket.transact(linkRequest(index, { queuePackets }));
  }
  if (mtu !== undefined) ask(`set the MTU of "${name}" to ${mtu}`, linkRequest(index, { mtu }));
  if (up) {
    // A kernel without IPv6 refuses this, and then has no chatter to keep quiet.
    socket.transact(quietIpv6Request(index));
  }
  for (const cidr of addresses) {
    ask(`give "${name}" the address "${formatCidr(cidr)}"`, addressRequest(index, cidr));
  }
  if (up) ask(`bring "${name}" up`, linkRequest(index, { up }));
  for (const cidr of routes) {
    ask(`lead "${formatCidr(cidr)}" into "${name}"`, routeRequest(index, cidr));
  }
  return askInterface(socket, SIOCGIFMTU, name);
}

/** A `struct ifreq` with the name in it. */
export function interfaceRequest(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IFREQ_LENGTH);
  bytes.set(cString(name));
  return bytes;
}

/** Reads the name out of a `struct ifreq`. */
export function interfaceName(request: Uint8Array): string {
  const name = request.subarray(0, IFREQ_VALUE);
  const end = name.indexOf(0);
  return new TextDecoder().decode(name.subarray(0, end < 0 ? name.length : end));
}

/** Reads the flags out of a `struct ifreq`. */
export function requestFlags(request: Uint8Array<ArrayBuffer>): number {
  return new DataView(request.buffer).getUint16(IFREQ_VALUE, true);
}

/** Writes flags into a `struct ifreq`. */
export function setRequestFlags(request: Uint8Array<ArrayBuffer>, flags: number): void {
  new DataView(request.buffer).setUint16(IFREQ_VALUE, flags, true);
}

/** The MTU of the interface `name`; undefined when the network namespace of the calling thread has none of that name. */
export function interfaceMtu(name: string): number | undefined {
  using socket = netlinkSocket();
  try {
    return askInterface(socket, SIOCGIFMTU, name);
  } catch {
    return undefined;
  }
}

function netlinkSocket(): NetlinkSocket {
  return new NetlinkSocket((errno) => refused("open a netlink socket", errno));
}

/** Any socket answers these, and a netlink socket answers for the namespace that it was made in. */
function askInterface(socket: NetlinkSocket, question: number, name: string): number {
  const c = libc();
  const bytes = interfaceRequest(name);
  if (c.ioctl(socket.descriptor, question, bytes) < 0) {
    throw refused(`find the interface "${name}"`, c.errno());
  }
  return new DataView(bytes.buffer).getInt32(IFREQ_VALUE, true);
}

function refused(what: string, errno: number): DeviceError {
  const why = errorText(errno);
  switch (errno) {
    case EPERM:
      return new DeviceError(
        "not-permitted",
        `Cannot ${what}: ${why}. Run as root or with CAP_NET_ADMIN, or use the command "run", which needs neither`,
      );
    case EACCES: // what the kernel says to an IPv6 address on a device without IPv6
      return new DeviceError(
        "unsupported",
        `Cannot ${what}: ${why}. Look at the sysctl net.ipv6.conf.all.disable_ipv6, or leave IPv6 out`,
      );
    case EEXIST:
      return new DeviceError(
        "failed",
        `Cannot ${what}: ${why}. Remove the one that is there or choose another`,
      );
    default:
      return new DeviceError("failed", `Cannot ${what}: ${why}`);
  }
}

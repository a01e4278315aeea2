/**
 * Takes over the descriptor of a TUN device that somebody else has opened: a supervisor, a container runtime, or a child in a
 * namespace of its own.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { interfaceMtu, interfaceName, interfaceRequest, requestFlags } from "./configure.ts";
import { TunDevice } from "./descriptor.ts";
import {
  errorText,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  type Libc,
  libc,
  O_NONBLOCK,
} from "./ffi.ts";
import { IFF_NO_PI, IFF_TUN, IFF_VNET_HDR, speakFrames, TUNGETIFF } from "./tun_ioctl.ts";

/** What {@linkcode adoptTun} cannot find out by itself. */
export interface AdoptOptions {
  /**
   * 576 to 65535 bytes. Default: the interface's own, or 1500 when the interface lives in another network namespace,
   * where it cannot be asked.
   */
  readonly mtu?: number;
}

const DEFAULT_MTU = 1500;

/**
 * Takes over descriptor `fd` of a TUN device, with offload when it was opened with IFF_VNET_HDR and as plain packets when not.
 * The descriptor belongs to the device from then on, and is closed with it.
 *
 * @throws {DeviceError} `unsupported` when `fd` is no descriptor of a TUN device, or of one in a form not spoken here
 * @throws {RangeError} If `fd` is no descriptor number
 *
 * @example The descriptor that a supervisor left open
 * ```ts ignore
 * import { adoptTun } from "./fd.ts";
 *
 * await using tun = adoptTun(3);
 * for await (const packet of tun.readable) console.log(packet.length);
 * ```
 */
export function adoptTun(fd: number, options: AdoptOptions = {}): TunDevice {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
    throw new RangeError(`Cannot take over the descriptor "${fd}": pass the number of an open one`);
  }
  const c = libc();
  const request = interfaceRequest("");
  if (c.ioctl(fd, TUNGETIFF, request) < 0) {
    throw refused(fd, `it is no TUN device (${errorText(c.errno())})`, "Open /dev/net/tun");
  }
  const flags = requestFlags(request);
  const name = interfaceName(request);
  if ((flags & IFF_TUN) === 0) {
    throw refused(fd, `"${name}" carries Ethernet frames`, "Open it with IFF_TUN");
  }
  if ((flags & IFF_NO_PI) === 0) {
    throw refused(
      fd,
      `"${name}" puts packet information in front of packets`,
      "Open it with IFF_NO_PI",
    );
  }
  const hasHeader = (flags & IFF_VNET_HDR) !== 0;
  const speech = hasHeader ? speakFrames(c, fd) : undefined;
  if (hasHeader && speech === undefined) {
    throw refused(fd, `"${name}" keeps the size of its headers`, "Open it without IFF_VNET_HDR");
  }
  setNonBlocking(c, fd);
  const mtu = options.mtu ?? interfaceMtu(name) ?? DEFAULT_MTU;
  return new TunDevice(fd, { name, mtu, hasHeader, udpOffload: speech?.udpOffload ?? false });
}

function setNonBlocking(c: Libc, fd: number): void {
  c.fcntl(fd, F_SETFL, c.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  c.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

function refused(fd: number, why: string, advice: string): DeviceError {
  return new DeviceError(
    "unsupported",
    `Cannot take over the descriptor "${fd}": ${why}. ${advice} and pass that`,
  );
}

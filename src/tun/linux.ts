/**
 * Opens a TUN device on Linux and configures it. Needs `--allow-ffi`, and of the kernel CAP_NET_ADMIN, or a
 * persistent device that belongs to the user.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { type Cidr, IPV6_LENGTH, parseCidr } from "../wire/address.ts";
import { configureLink, interfaceName, interfaceRequest, setRequestFlags } from "./configure.ts";
import { type DescriptorFacts, TunDevice } from "./descriptor.ts";
import {
  cString,
  EACCES,
  EBUSY,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EPERM,
  errorText,
  libc,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
} from "./ffi.ts";
import { inNetns } from "./netns.ts";
import { steer } from "./steering.ts";
import {
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TUN,
  IFF_VNET_HDR,
  speakFrames,
  TUNGETFEATURES,
  TUNSETIFF,
} from "./tun_ioctl.ts";

/** IFNAMSIZ of linux/if.h, without the final zero. */
const MAX_NAME_BYTES = 15;
/** What every IPv4 host must be able to take (RFC 791, section 3.2). */
const MIN_MTU = 576;
/** What every IPv6 link must carry (RFC 8200, section 5). */
const MIN_MTU_IPV6 = 1280;
const MAX_MTU = 65_535;
const DEFAULT_PATH = "/dev/net/tun";
/**
 * Packets that may wait for this program to read them. The kernel's own 500 are lost in one burst of a thousand connections, each of
 * which then waits for its retransmission timer: with 4096 they carried 2 to 2.4 times as much. A single connection never fills it.
 */
const QUEUE_PACKETS = 4096;

/** What {@linkcode openTun} shall make. */
export interface TunOptions {
  /** The interface's name, at most 15 bytes; `%d` in it becomes a free number. Default `tun%d`. */
  readonly name?: string;
  /** 576 to 65535 bytes, at least 1280 with IPv6. Default: what the kernel gives, 1500. */
  readonly mtu?: number;
  /** Addresses of the interface with the size of their network, for instance `198.18.0.1/15`. */
  readonly addresses?: readonly string[];
  /** Blocks of addresses that are led into the device, for instance `0.0.0.0/0`. */
  readonly routes?: readonly string[];
  /** Whether to ask for checksum and segmentation offload. Default true. */
  readonly offload?: boolean;
  /** Whether to bring the interface up. Default true. */
  readonly up?: boolean;
  /** The named network namespace (see ip-netns(8)) that the interface shall live in. Default: the program's own. */
  readonly netns?: string;
  /** Where the kernel's device file is. Default `/dev/net/tun`. */
  readonly path?: string;
}

/**
 * Opens a TUN device. It lives until it is closed; the kernel then removes the interface with its addresses and routes.
 *
 * @throws {DeviceError} `not-found`, `not-permitted`, `name-taken`, `unsupported` or `failed`, with what to do next
 * @throws {RangeError} If the name, the MTU, an address or a route makes no sense
 *
 * @example Packets of a fresh device
 * ```ts ignore
 * import { openTun } from "./linux.ts";
 *
 * await using tun = await openTun({ name: "tun0", addresses: ["198.18.0.1/15"] });
 * for await (const packet of tun.readable) console.log(packet.length);
 * ```
 */
export function openTun(options: TunOptions = {}): Promise<TunDevice> {
  return Promise.try(() => {
    const [queue] = open(options, 1);
    return new TunDevice(queue.fd, queue);
  });
}

/** One queue of a device, which can be told to another thread: `new TunDevice(queue.fd, queue)` takes it over there. */
export interface TunQueue extends DescriptorFacts {
  /** The descriptor; whoever has the queue closes it. */
  readonly fd: number;
}

/**
 * Opens a TUN device with `count` queues, over which the kernel spreads flows as `steering.ts` says. The interface lives as long as one of
 * its queues.
 *
 * @throws {DeviceError} As {@linkcode openTun}; `not-permitted` without CAP_BPF, too
 */
export function openTunQueues(count: number, options: TunOptions = {}): Promise<TunQueue[]> {
  return Promise.try(() => open(options, count));
}

function open(options: TunOptions, count: number): TunQueue[] {
  const addresses = (options.addresses ?? []).map((text) => cidr("address", text));
  const routes = (options.routes ?? []).map((text) => cidr("route", text));
  const { name = "tun%d", mtu, up = true, offload = true, path = DEFAULT_PATH } = options;
  checkName(name);
  checkMtu(mtu, addresses);
  return inNetns(options.netns, () => {
    const queues: Attached[] = [];
    try {
      for (let given = name; queues.length < count; given = queues[0].name) {
        queues.push(attach(path, given, offload, count > 1));
      }
      if (count > 1) steer(queues[0].fd);
      const queuePackets = QUEUE_PACKETS;
      const link = { mtu, addresses, routes, up, queuePackets };
      const actual = configureLink(queues[0].name, link);
      return queues.map((queue) => ({ ...queue, mtu: actual }));
    } catch (error) {
      for (const { fd } of queues) libc().close(fd);
      throw error;
    }
  });
}

type Attached = Omit<TunQueue, "mtu">;

function attach(path: string, name: string, offload: boolean, isOneOfMany: boolean): Attached {
  const c = libc();
  const fd = c.open(cString(path), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw openError(path, c.errno());
  try {
    const features = new Uint8Array(4);
    c.ioctl(fd, TUNGETFEATURES, features);
    const knowsHeader = (new DataView(features.buffer).getUint32(0, true) & IFF_VNET_HDR) !== 0;
    const header = offload && knowsHeader ? IFF_VNET_HDR : 0;
    const request = interfaceRequest(name);
    const many = isOneOfMany ? IFF_MULTI_QUEUE : 0;
    setRequestFlags(request, IFF_TUN | IFF_NO_PI | header | many);
    if (c.ioctl(fd, TUNSETIFF, request) < 0) throw attachError(path, name, c.errno());
    const given = interfaceName(request);
    const speech = header !== 0 ? speakFrames(c, fd) : undefined;
    if (header !== 0 && speech === undefined) {
      throw new DeviceError(
        "unsupported",
        `Cannot set the header size of "${given}": open it without offload`,
      );
    }
    const udpOffload = speech?.udpOffload ?? false;
    return { fd, name: given, hasHeader: header !== 0, udpOffload };
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** Why `/dev/net/tun` does not open, in words that lead on. */
export function openError(path: string, errno: number): DeviceError {
  const why = errorText(errno);
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return new DeviceError(
        "not-found",
        `Cannot find "${path}": ${why}. Load the driver with "modprobe tun", or start the container with "--device /dev/net/tun"`,
      );
    case EPERM:
    case EACCES:
      return new DeviceError(
        "not-permitted",
        `Cannot open "${path}": ${why}. Give the user read and write permission on it (it is mode 0666 on most systems), or run as root`,
      );
    default:
      return new DeviceError("failed", `Cannot open "${path}": ${why}`);
  }
}

/** Why the kernel gives no interface, in words that lead on. */
export function attachError(path: string, name: string, errno: number): DeviceError {
  const why = errorText(errno);
  switch (errno) {
    case EPERM:
    case EACCES:
      return new DeviceError(
        "not-permitted",
        `Cannot make the interface "${name}": ${why}. Run as root or with CAP_NET_ADMIN, or use the command "run", which needs neither`,
      );
    case EBUSY:
      return new DeviceError(
        "name-taken",
        `Cannot make the interface "${name}": another program holds it. Choose another name, or end that program`,
      );
    case EINVAL: // what the kernel says when the interface that has the name is something else
      return new DeviceError(
        "name-taken",
        `Cannot make the interface "${name}": it exists and is no TUN device, or one with another number of queues. Choose another name`,
      );
    default:
      return new DeviceError("failed", `Cannot make an interface "${name}" at "${path}": ${why}`);
  }
}

function checkName(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > MAX_NAME_BYTES) {
    throw new RangeError(
      `Cannot name an interface "${name}": the name has "${bytes}" bytes, and 1 to ${MAX_NAME_BYTES} are possible`,
    );
  }
  if (/[\s/:\0]/.test(name) || name === "." || name === "..") {
    throw new RangeError(
      `Cannot name an interface "${name}": choose a name without spaces, slashes and colons`,
    );
  }
}

function checkMtu(mtu: number | undefined, addresses: readonly Cidr[]): void {
  if (mtu === undefined) return;
  const min = addresses.some(({ address }) => address.length === IPV6_LENGTH)
    ? MIN_MTU_IPV6
    : MIN_MTU;
  if (!Number.isInteger(mtu) || mtu < min || mtu > MAX_MTU) {
    throw new RangeError(`Cannot set the MTU "${mtu}": choose ${min} to ${MAX_MTU} bytes`);
  }
}

function cidr(what: string, text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) {
    throw new RangeError(
      `Cannot read the ${what} "${text}": write an IP address and a prefix length, as in "198.18.0.1/15"`,
    );
  }
  return parsed;
}

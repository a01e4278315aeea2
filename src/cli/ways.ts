/**
 * A device in the machine's own network whose routes cover the proxy: the way to the proxy stays as it was, or the tunnel would lead into
 * itself.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { ProxyError } from "../errors.ts";
import type { Log } from "../log.ts";
import { keepWays, type KeptWays } from "../tun/way.ts";
import { defaultInterfaces, watchNetwork } from "../tunnel/road/network.ts";
import { cidrContains, formatIp, parseCidr, parseIp } from "../wire/address.ts";
import type { NameChoices } from "./name_options.ts";
import type { UpCommand } from "./options.ts";
import { firstHop } from "./tunnel_options.ts";

/** The ways that are kept, and what shall be answered to who asks for the proxy. */
export interface ProxyWays extends Disposable {
  /** Lines for a file of hosts: the proxy's name leads to the addresses whose ways are kept, and to no made-up one. */
  readonly hosts: string;
}

const NOTHING: ProxyWays = { hosts: "", [Symbol.dispose]() {} };

/**
 * Keeps the ways to all addresses of the proxy when the command leads blocks of this machine's own network into a device. Call it before
 * the device has its routes.
 *
 * @throws {ProxyError} When the proxy's name does not resolve
 * @throws {DeviceError} When the kernel refuses a route
 */
export async function keepProxyWays(command: UpCommand, log: Log): Promise<ProxyWays> {
  const { netns, routes, tunnel } = command;
  const { proxy } = firstHop(tunnel);
  if (netns !== undefined || routes.length === 0 || proxy === "embedded") return NOTHING;
  const hostname = new URL(proxy).hostname.replace(/^\[|\]$/g, "");
  const addresses = await addressesOf(hostname);
  const blocks = routes.map((route) => parseCidr(route)!);
  const covered = addresses.filter((address) =>
    blocks.some((block) => cidrContains(block, address))
  );
  const kept = keepWays(covered);
  warnOfOwn(addresses, log);
  for (const address of kept.addresses) {
    log.info(`the way to the proxy at ${formatIp(address)} stays`);
  }
  const following = watchNetwork(() => follow(kept, log));
  const dispose = () => {
    following[Symbol.dispose]();
    kept[Symbol.dispose]();
  };
  const name = parseIp(hostname) === undefined ? hostname : undefined;
  return { hosts: hostsLines(name, addresses), [Symbol.dispose]: dispose };
}

/** The program must find the proxy where its way leads, and not at a made-up address. With `off` nobody here answers names. */
export function knowing(ways: ProxyWays, names: NameChoices): NameChoices {
  if (ways.hosts === "" || names.dns === "off") return names;
  return { ...names, hosts: `${names.hosts ?? ""}\n${ways.hosts}` };
}

/** The machine has moved to another network: the way that was kept may end at a gateway that is no longer there. */
function follow(kept: KeptWays, log: Log): void {
  try {
    for (const address of kept.renew(defaultInterfaces())) {
      log.info(`the way to the proxy at ${formatIp(address)} follows the default route`);
    }
  } catch (error) {
    log.warn(error instanceof Error ? error.message : String(error));
  }
}

function hostsLines(name: string | undefined, addresses: readonly Uint8Array[]): string {
  return name === undefined
    ? ""
    : addresses.map((address) => `${formatIp(address)} ${name}`).join("\n");
}

async function addressesOf(hostname: string): Promise<Uint8Array[]> {
  try {
    const records = await lookup(hostname, { all: true });
    return records.map(({ address }) => parseIp(address)).filter((address) =>
      address !== undefined
    );
  } catch (cause) {
    const detail = `Cannot find the address of the proxy "${hostname}", whose way must stay open`;
    throw new ProxyError(
      { kind: "proxy_unreachable", refusal: "network-unreachable", status: 0, detail },
      { cause },
    );
  }
}

/** What a proxy on this machine sends may come back into the device, and nobody but the operator knows whether it does. */
function warnOfOwn(addresses: readonly Uint8Array[], log: Log): void {
  const own = addresses.find((address) => /^(127\.|::1$)/.test(formatIp(address)));
  if (own === undefined) return;
  log.warn(
    `The proxy at ${
      formatIp(own)
    } is on this machine: what it sends to the routed blocks comes back into the device, unless it stands in another namespace`,
  );
}

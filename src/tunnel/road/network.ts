/**
 * Notices that this machine's network has become another one: a new address, another default route, or a sleep.
 *
 * By asking every two seconds, which costs some 200 us and works on every system; a netlink socket would need FFI, one of the few threads that
 * may wait in it, and would still have to ask after every message what it means.
 *
 * @module
 */

import { networkInterfaces } from "node:os";

/** How often the network is looked at: before a person reloads a page. */
export const LOOK_EVERY_MS = 2_000;

/** A timer that is this late has slept with its machine, and what it knew about the network is old. */
const ASLEEP_MS = 10_000;

/** Flags of a route in /proc/net (linux/route.h). */
const RTF_UP = 1;
const RTF_GATEWAY = 2;

/** The network in one line of text: two that are equal are the same network, as far as anybody can tell. */
export type LookAtNetwork = () => string;

/** Calls `onChange` whenever `look` sees something else than before, until it is disposed of. */
export function watchNetwork(
  onChange: () => void,
  look: LookAtNetwork = lookAtNetwork,
  everyMs: number = LOOK_EVERY_MS,
): Disposable {
  let seen = look();
  let lookedAt = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    const hasSlept = now - lookedAt > everyMs + ASLEEP_MS;
    lookedAt = now;
    const sees = look();
    if (sees === seen && !hasSlept) return;
    seen = sees;
    onChange();
  }, everyMs);
  Deno.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * The addresses of this machine and, on Linux, its default routes. Devices that a tunnel has made are left out: ours is one of them, and that it
 * comes up changes nothing about the way to the proxy. What may not be read counts as empty.
 */
export function lookAtNetwork(): string {
  const addresses = Object.entries(interfaces())
    .filter(([name]) => !isTunnel(name))
    .flatMap(([name, list]) =>
      (list ?? []).filter((a) => !a.internal).map((a) => `${name} ${a.cidr}`)
    );
  return [...addresses.sort(), ...defaultRoutes()].join("\n");
}

/** Whether an address belongs to this machine; true where that cannot be told. */
export function isOurs(address: string): boolean {
  const all = Object.values(interfaces()).flatMap((list) => list ?? []);
  const plain = address.replace(/^::ffff:/, "").replace(/%.*/, "");
  return all.length === 0 || all.some((known) => known.address === plain);
}

/** None without `--allow-sys`: nobody is asked for a permission that can be done without. */
function interfaces(): ReturnType<typeof networkInterfaces> {
  return isGranted({ name: "sys", kind: "networkInterfaces" }) ? networkInterfaces() : {};
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** Lines of /proc/net/route and /proc/net/ipv6_route for 0.0.0.0/0 and ::/0, without their counters. */
export function defaultRoutes(read: (path: string) => string = readQuietly): string[] {
  return routesToAll(read).map(({ device, gateway, metric }) => `${device} ${gateway} ${metric}`)
    .sort();
}

/** The interfaces that default routes of either family leave by, the preferred one first. */
export function defaultInterfaces(read: (path: string) => string = readQuietly): string[] {
  const routes = routesToAll(read).sort((a, b) => a.preference - b.preference);
  return [...new Set(routes.map(({ device }) => device))];
}

interface RouteToAll {
  readonly device: string;
  readonly gateway: string;
  readonly metric: string;
  /** The metric as a number: the lowest is taken. */
  readonly preference: number;
}

function routesToAll(read: (path: string) => string): RouteToAll[] {
  const words = (path: string) => read(path).split("\n").map((line) => line.trim().split(/\s+/));
  const isInUse = (flags: string) => (parseInt(flags, 16) & (RTF_UP | RTF_GATEWAY)) !== 0;
  const v4 = words("/proc/net/route")
    .filter((w) => w[1] === "00000000" && w[7] === "00000000" && isInUse(w[3]) && !isTunnel(w[0]))
    .map((w) => ({ device: w[0], gateway: w[2], metric: w[6], preference: parseInt(w[6]) }));
  const v6 = words("/proc/net/ipv6_route")
    .filter((w) => /^0{32}$/.test(w[0]) && w[1] === "00" && w[9] !== "lo" && !isTunnel(w[9]))
    .map((w) => ({ device: w[9], gateway: w[4], metric: w[5], preference: parseInt(w[5], 16) }));
  return [...v4, ...v6];
}

function readQuietly(path: string): string {
  if (!isGranted({ name: "read", path })) return "";
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Only TUN and TAP devices have this file. */
function isTunnel(name: string): boolean {
  const path = `/sys/class/net/${name}/tun_flags`;
  if (!isGranted({ name: "read", path })) return false;
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

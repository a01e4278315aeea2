/**
 * Leads name lookups inside a mount namespace to a nameserver of our own, and cuts the roads around it.
 *
 * A lookup by the C library does not always go through the network: `nscd`, systemd-resolved and Avahi answer over Unix sockets
 * in the file system, from outside of the network namespace. Their directories are covered with empty ones. What stays is the
 * system's D-Bus, which other things need: the C library does not ask it.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { DeviceError } from "../errors.ts";
import { cString, errorText, libc } from "./ffi.ts";

/** Flags of mount(2) (linux/mount.h). */
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_BIND = 4096;

const RESOLV_CONF = "/etc/resolv.conf";
const RESOLVER_DIRECTORIES = [
  "/run/systemd/resolve", // nss-resolve asks io.systemd.Resolve here, and resolv.conf may be a link into it
  "/run/nscd", // nscd and nsncd: the C library asks it before anything else
  "/var/run/nscd", // where /var/run is a directory of its own
  "/run/avahi-daemon", // nss-mdns
];
/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Covers resolvers outside of the namespace, and lays the file `source` over `/etc/resolv.conf`.
 * Must run in a mount namespace of one's own.
 */
export function isolateNames(source: string): void {
  for (const directory of RESOLVER_DIRECTORIES) {
    if (!isDirectory(directory)) continue;
    mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  }
  const target = followLinks(RESOLV_CONF);
  try {
    // A link into a directory that is covered leads to nothing: there the file can be made.
    Deno.openSync(target, { append: true, create: true }).close();
  } catch {
    // It is there and not ours to write, or it cannot be made: mounting tells which.
  }
  mount(source, target, "", MS_BIND);
}

function mount(source: string, target: string, type: string, flags: number): void {
  const c = libc();
  if (c.mount(cString(source), cString(target), cString(type), flags, null) === 0) return;
  throw new DeviceError(
    "failed",
    `Cannot lay "${source}" over "${target}" in the namespace: ${
      errorText(c.errno())
    }. Name lookups would leave the tunnel, so nothing is started`,
  );
}

function followLinks(path: string): string {
  for (let i = 0; i < MAX_LINKS; i++) {
    try {
      path = resolve(dirname(path), Deno.readLinkSync(path));
    } catch {
      return path; // no link, or nothing there
    }
  }
  return path;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

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
import { cString, ENOENT, errorText, libc } from "./ffi.ts";

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
  const covered = RESOLVER_DIRECTORIES.filter(isDirectory);
  for (const directory of covered) {
    mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  }
  const target = followLinks(RESOLV_CONF);
  // A link into what is covered leads to nothing. There a file can be made; anywhere else it would stay on the machine.
  if (covered.some((directory) => target.startsWith(`${directory}/`))) {
    Deno.writeTextFileSync(target, "");
  }
  mount(source, target, "", MS_BIND);
}

function mount(source: string, target: string, type: string, flags: number): void {
  const c = libc();
  if (c.mount(cString(source), cString(target), cString(type), flags, null) === 0) return;
  const errno = c.errno();
  const advice = errno === ENOENT
    ? "Make that file, empty if need be"
    : "Without it names would leak";
  throw new DeviceError(
    "failed",
    `Cannot lay "${source}" over "${target}" in the namespace: ${errorText(errno)}. ${advice}`,
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

/**
 * Which server the command of `run` finds in its `resolv.conf`.
 *
 * @module
 */

import { RESOLVER_ADDRESS } from "../dns/fake_addresses.ts";
import { cidrContains, parseCidr, parseIp } from "../wire/address.ts";
import type { RunCommand } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** Where this machine's own servers stand; with systemd-resolved the second names only itself. */
const FILES = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];

/** Addresses that mean another machine to the command than to us: its own. */
const LOOPBACK = ["127.0.0.0/8", "::1/128"].map((text) => parseCidr(text)!);

/**
 * The address to write there; undefined leaves the file as it is.
 *
 * @throws {UsageError} If the mode needs a server and this machine names none that the tunnel could reach
 */
export function nameserverFor(
  { names: { dns }, nameserver }: Pick<RunCommand, "names" | "nameserver">,
  readTextFile: (path: string) => string = Deno.readTextFileSync,
): string | undefined {
  if (dns === "fake" || dns === "doh") return RESOLVER_ADDRESS;
  if (nameserver !== undefined || dns === "off") return nameserver;
  for (const path of FILES) {
    const found = firstServer(path, readTextFile);
    if (found !== undefined) return found;
  }
  throw new UsageError(
    `The file "${
      FILES.at(-1)
    }" names no server beyond this machine: say with --nameserver ADDRESS which one to ask`,
  );
}

function firstServer(path: string, readTextFile: (path: string) => string): string | undefined {
  let text: string;
  try {
    text = readTextFile(path);
  } catch {
    return undefined;
  }
  const servers = Array.from(text.matchAll(/^nameserver\s+(\S+)/gm), ([, server]) => server);
  return servers.find((server) => {
    const address = parseIp(server);
    return address !== undefined && !LOOPBACK.some((block) => cidrContains(block, address));
  });
}

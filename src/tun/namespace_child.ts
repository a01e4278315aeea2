/**
 * The helper inside a fresh namespace: makes the device, hands it out, and becomes the command. Started by
 * `startInNamespace` as a program of its own, because a namespace of a user can only be entered by a process without
 * further threads, which Deno is not.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { configureLink } from "./configure.ts";
import { becomeCommand } from "./exec.ts";
import { openTun } from "./linux.ts";
import { isolateNames } from "./namespace_names.ts";
import { type Order, type Report, type Setup, type Talk, talkOver } from "./namespace_protocol.ts";
import type { TunDevice } from "./descriptor.ts";

/** Where this file is: importing it puts it into Deno's cache, so that the helper starts without a network. */
export const NAMESPACE_CHILD_URL: string = import.meta.url;

/** The helper could not do its work. A shell has no word for it; `docker run` and `env` say 125, too. */
const EXIT_HELPER_FAILED = 125;

if (import.meta.main) await main(Deno.args[0]);

async function main(socketPath: string): Promise<void> {
  const connection = await Deno.connect({ transport: "unix", path: socketPath });
  const talk = talkOver<Order, Report>(connection);
  const setup = await talk.hear();
  if (setup?.kind !== "setup") Deno.exit(EXIT_HELPER_FAILED);
  const device = await prepare(setup, talk);
  await talk.say({ kind: "ready", fd: device.fd, mtu: device.mtu });
  const order = await talk.hear();
  // Whoever wanted the command is gone: without packets it would only hang.
  if (order?.kind !== "go") Deno.exit(EXIT_HELPER_FAILED);
  await device.close();
  for (const [name, value] of Object.entries(setup.env)) Deno.env.set(name, value);
  const { code, message } = becomeCommand(setup.command, setup);
  await talk.say({ kind: "no-command", message });
  Deno.exit(code);
}

async function prepare(setup: Setup, talk: Talk<Order, Report>): Promise<TunDevice> {
  try {
    configureLink("lo", { addresses: [], routes: [], up: true });
    if (setup.resolvConf !== undefined) isolateNames(setup.resolvConf);
    const isSpoken = hasIpv6() ? () => true : (text: string) => !text.includes(":");
    return await openTun({
      ...setup.tun,
      addresses: setup.tun.addresses.filter(isSpoken),
      routes: setup.tun.routes.filter(isSpoken),
    });
  } catch (error) {
    const code = error instanceof DeviceError ? error.code : "failed";
    await talk.say({ kind: "failed", code, message: (error as Error).message });
    Deno.exit(EXIT_HELPER_FAILED);
  }
}

/** A kernel that was started with `ipv6.disable=1` has no such directory. */
function hasIpv6(): boolean {
  try {
    return Deno.statSync("/proc/sys/net/ipv6").isDirectory;
  } catch {
    return false;
  }
}

/**
 * Whether and how this user gets namespaces: the flags for `unshare`, and a clear word when the machine refuses.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";

/** The program of util-linux that starts another one in fresh namespaces. */
export const UNSHARE = "unshare";

/** linux/capability.h. */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/** Sysctls that forbid user namespaces, each with the value that does. */
const FORBIDDING_SYSCTLS: readonly (readonly [name: string, value: string])[] = [
  ["kernel.apparmor_restrict_unprivileged_userns", "1"], // Ubuntu 23.10 and later
  ["kernel.unprivileged_userns_clone", "0"], // Debian until 10, and others
  ["user.max_user_namespaces", "0"], // RHEL 7, and hardened machines
];

/** Whether this process may make network and mount namespaces without a user namespace. */
export function isPrivileged(): boolean {
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((bit) => (effective >> bit & 1n) === 1n);
}

/**
 * Fresh network and mount namespaces; where privilege is missing, in a user namespace in which the user keeps his own id and
 * has the capabilities that preparing needs.
 */
export function unshareFlags(): string[] {
  const user = ["--user", "--map-current-user", "--keep-caps"];
  return [...(isPrivileged() ? [] : user), "--net", "--mount"];
}

/**
 * Tries the namespaces with a command that does nothing, so that a refusal becomes one clear sentence.
 *
 * @throws {DeviceError} `not-found` without `unshare`, `not-permitted` when the machine refuses
 */
export async function checkNamespaces(): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(UNSHARE, {
      args: [...unshareFlags(), "--", "true"],
      stdin: "null",
      stdout: "null",
    }).output();
  } catch (cause) {
    throw new DeviceError(
      "not-found",
      `Cannot find the program "${UNSHARE}": install util-linux 2.36 or newer`,
      { cause },
    );
  }
  if (output.success) return;
  const why = new TextDecoder().decode(output.stderr).trim().split("\n")[0];
  throw new DeviceError("not-permitted", refusal(why, readSysctl));
}

/** The sentence for a refusal; `read` gives a sysctl's value, undefined when there is none of that name. */
export function refusal(why: string, read: (name: string) => string | undefined): string {
  const guilty = FORBIDDING_SYSCTLS.find(([name, value]) => read(name) === value);
  const advice = guilty === undefined
    ? "In a container, allow user namespaces; else install util-linux 2.36 or newer, or run as root"
    : `The sysctl ${guilty[0]} is ${guilty[1]}, which forbids it: change it, or run as root`;
  return `Cannot make a namespace for the command ("${why}"). ${advice}`;
}

function readSysctl(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
  } catch {
    return undefined;
  }
}

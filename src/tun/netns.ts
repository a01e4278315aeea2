/**
 * Work inside a named network namespace (ip-netns(8)).
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import { cString, ENOENT, EPERM, errorText, type Libc, libc, O_CLOEXEC, O_RDONLY } from "./ffi.ts";

const CLONE_NEWNET = 0x40000000;
/** Where `ip netns add` puts them. */
const DIRECTORY = "/run/netns";
const OWN = "/proc/thread-self/ns/net";

/**
 * Runs `work` inside the network namespace `name`; inside the program's own when that is undefined.
 *
 * A network namespace belongs to a thread (setns(2)), so this thread goes in and comes back, and everything between is
 * synchronous on purpose: no other code runs here, and no thread is born that would inherit the namespace. What `work`
 * opened stays in the namespace that it was opened in.
 *
 * @throws {DeviceError} `not-found` when there is no such namespace, `not-permitted` without CAP_SYS_ADMIN
 */
export function inNetns<T>(name: string | undefined, work: () => T): T {
  if (name === undefined) return work();
  const c = libc();
  if (!/^[^/\0]+$/.test(name) || name === "." || name === "..") {
    throw new RangeError(`Cannot enter the network namespace "${name}": this is no name`);
  }
  const own = open(c, OWN, name);
  try {
    enter(c, open(c, `${DIRECTORY}/${name}`, name), name);
    try {
      return work();
    } finally {
      comeBack(c, own, name);
    }
  } finally {
    c.close(own);
  }
}

function enter(c: Libc, target: number, name: string): void {
  const result = c.setns(target, CLONE_NEWNET);
  const errno = c.errno();
  c.close(target);
  if (result < 0) throw enterError(name, errno);
}

/** Whatever this program opened after a failure here would be opened in a network that is not its own. */
function comeBack(c: Libc, own: number, name: string): void {
  if (c.setns(own, CLONE_NEWNET) === 0) return;
  const why = errorText(c.errno());
  throw new DeviceError(
    "failed",
    `Cannot come back from the network namespace "${name}": ${why}. End the program`,
  );
}

function open(c: Libc, path: string, name: string): number {
  const fd = c.open(cString(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw enterError(name, c.errno());
  return fd;
}

function enterError(name: string, errno: number): DeviceError {
  const why = errorText(errno);
  if (errno === ENOENT) {
    return new DeviceError(
      "not-found",
      `Cannot find the network namespace "${name}": make it with "ip netns add ${name}"`,
    );
  }
  if (errno === EPERM) {
    return new DeviceError(
      "not-permitted",
      `Cannot enter the network namespace "${name}": ${why}. Run as root or with CAP_SYS_ADMIN`,
    );
  }
  return new DeviceError("failed", `Cannot enter the network namespace "${name}": ${why}`);
}

/**
 * Starts a command in a network of its own, whose only way out is a TUN device that is held here. No privilege is needed:
 * where the user has none, a user namespace gives it, and the command sees the user's own id.
 *
 * 1. `unshare` starts a helper in fresh namespaces (`namespace_child.ts`).
 * 2. The helper makes the device and waits; its descriptor is taken over with `pidfd_getfd`.
 * 3. At `go` the helper becomes the command by `exec`, so exit status, signals, standard input and output, and the terminal are the
 *    command's own, and Ctrl-C reaches it as it would without us.
 *
 * @module
 */

import { DeviceError } from "../errors.ts";
import type { TunDevice } from "./descriptor.ts";
import { adoptTun } from "./fd.ts";
import { EPERM, errorText, libc, SYS_PIDFD_GETFD, SYS_PIDFD_OPEN } from "./ffi.ts";
import { NAMESPACE_CHILD_URL } from "./namespace_child.ts";
import { type Order, type Report, type Setup, type Talk, talkOver } from "./namespace_protocol.ts";
import { checkNamespaces, isPrivileged, UNSHARE, unshareFlags } from "./unshare.ts";

/** How long a command may take to end by itself after SIGTERM. */
const END_TIMEOUT_MS = 5_000;

/** What {@linkcode startInNamespace} shall start. */
export interface NamespaceOptions {
  /** The command and its arguments. The command is looked up in PATH. */
  readonly command: readonly string[];
  /** Addresses of the device, for instance `198.18.0.1/15`. Those of a family that the kernel does not speak are left out. */
  readonly addresses: readonly string[];
  /** Bytes. Default 1500. */
  readonly mtu?: number;
  /** The address of the one nameserver in `/etc/resolv.conf`. Default: the file stays as it is. */
  readonly nameserver?: string;
  /** Further variables of the command's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to ask for checksum and segmentation offload. Default true. */
  readonly offload?: boolean;
  /** The interface's name inside. Default `tun0`. */
  readonly name?: string;
  /** Where the kernel's device file is. Default `/dev/net/tun`. */
  readonly path?: string;
}

/** How a command ended. */
export interface CommandEnd {
  /** As a shell has it: 127 when there is no such command, 126 when it does not run, 128 and the signal's number. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** One sentence when the command could not be started at all. */
  readonly problem?: string;
}

/** A command in a namespace. Disposing ends it and closes its device. */
export interface NamespaceProgram extends AsyncDisposable {
  /** The only way out of the namespace; it belongs to the caller, and stays open when the command has ended. */
  readonly device: TunDevice;
  /** The command's process id, the same from before `go` until its end. */
  readonly pid: number;
  /** Lets the command start. Calling twice does nothing. */
  go(): void;
  /** Settles when the command has ended. */
  readonly status: Promise<CommandEnd>;
  /** Sends the command a signal; does nothing when it has ended. */
  kill(signal: Deno.Signal): void;
}

/**
 * Makes the namespace and its device; the command starts at `go()`. Both routes, `0.0.0.0/0` and `::/0`, lead into the device.
 * Needs `--allow-all`, the program `unshare` of util-linux 2.36 or newer, and Linux 5.6. A program made by `deno compile` cannot.
 *
 * @throws {DeviceError} When the device or the namespace cannot be had, with what to do next
 * @throws {TypeError} If there is no command
 *
 * @example The packets of one command
 * ```ts ignore
 * import { startInNamespace } from "./namespace.ts";
 *
 * await using program = await startInNamespace({
 *   command: ["curl", "http://203.0.113.1/"],
 *   addresses: ["198.18.0.1/15"],
 * });
 * program.go();
 * for await (const packet of program.device.readable) console.log(packet.length);
 * ```
 */
export async function startInNamespace(options: NamespaceOptions): Promise<NamespaceProgram> {
  const { command } = options;
  if (command.length === 0) throw new TypeError("Cannot start nothing: pass a command");
  libc(); // says what is missing before anything is started
  await checkNamespaces();
  const directory = await Deno.makeTempDir({ prefix: "pseudotcp-" });
  try {
    const path = `${directory}/control`;
    using listener = Deno.listen({ transport: "unix", path });
    const child = startHelper(path);
    try {
      const talk = await meet(listener, child);
      await talk.say(await setupOf(options, directory));
      return namespaceProgram(child, talk, await takeDevice(talk, child));
    } catch (error) {
      killIfAlive(child, "SIGKILL");
      await child.status;
      throw error;
    }
  } finally {
    // What the helper has laid over another file stays there until the namespace ends.
    await Deno.remove(directory, { recursive: true });
  }
}

function startHelper(socketPath: string): Deno.ChildProcess {
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-config", "--no-lock"];
  // Whoever imported this file has the helper in the cache, and inside there is no network to fetch it from.
  const script = ["--cached-only", NAMESPACE_CHILD_URL, socketPath];
  return new Deno.Command(UNSHARE, {
    args: [...unshareFlags(), "--", ...deno, ...script],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
}

async function meet(
  listener: Deno.UnixListener,
  child: Deno.ChildProcess,
): Promise<Talk<Report, Order>> {
  const accepted = listener.accept();
  accepted.catch(() => {}); // the listener closes when the helper ended first
  const ended = child.status.then(({ code }) => Promise.reject(helperEnded(code)));
  ended.catch(() => {}); // later on its status is looked at by others
  return talkOver(await Promise.race([accepted, ended]));
}

async function setupOf(options: NamespaceOptions, directory: string): Promise<Setup> {
  const { command, addresses, mtu, nameserver, env = {}, offload = true, path } = options;
  const resolvConf = nameserver === undefined ? undefined : `${directory}/resolv.conf`;
  if (resolvConf !== undefined) {
    await Deno.writeTextFile(resolvConf, `nameserver ${nameserver}\n`, { mode: 0o644 });
  }
  const routes = ["0.0.0.0/0", "::/0"];
  return {
    kind: "setup",
    command,
    env,
    tun: { name: options.name ?? "tun0", mtu, addresses, routes, offload, path },
    resolvConf,
    openFiles: await openFilesOfParent(),
    dropCapabilities: !isPrivileged() && Deno.uid() !== 0,
  };
}

/** Deno raises its own soft limit at its start; what the user had, whoever started Deno still has. */
async function openFilesOfParent(): Promise<number | undefined> {
  try {
    const limits = await Deno.readTextFile(`/proc/${Deno.ppid}/limits`);
    const soft = /^Max open files +(\d+)/m.exec(limits);
    return soft === null ? undefined : Number(soft[1]);
  } catch {
    return undefined;
  }
}

async function takeDevice(talk: Talk<Report, Order>, child: Deno.ChildProcess): Promise<TunDevice> {
  const report = await talk.hear();
  if (report === undefined) throw helperEnded((await child.status).code);
  if (report.kind === "failed") throw new DeviceError(report.code, report.message);
  if (report.kind !== "ready") throw new DeviceError("failed", report.message);
  return adoptTun(takeDescriptor(child.pid, report.fd), { mtu: report.mtu });
}

/** Duplicates descriptor `fd` of process `pid` into this one (pidfd_getfd(2)). */
function takeDescriptor(pid: number, fd: number): number {
  const c = libc();
  const process = c.syscall(SYS_PIDFD_OPEN, pid, 0, 0);
  if (process < 0) throw refusal(c.errno());
  try {
    const taken = c.syscall(SYS_PIDFD_GETFD, process, fd, 0);
    if (taken < 0) throw refusal(c.errno());
    return taken;
  } finally {
    c.close(process);
  }
}

function refusal(errno: number): DeviceError {
  const advice = errno === EPERM
    ? "Look at the sysctl kernel.yama.ptrace_scope, and in a container allow pidfd_getfd"
    : "Linux 5.6 or newer is needed";
  return new DeviceError(
    errno === EPERM ? "not-permitted" : "unsupported",
    `Cannot take the device out of the namespace: ${errorText(errno)}. ${advice}`,
  );
}

function helperEnded(code: number): DeviceError {
  return new DeviceError(
    "failed",
    `Cannot prepare the namespace: the helper ended with status "${code}"; its own words, if any, are above`,
  );
}

function namespaceProgram(
  child: Deno.ChildProcess,
  talk: Talk<Report, Order>,
  device: TunDevice,
): NamespaceProgram {
  let gone = false;
  const go = () => {
    if (gone) return;
    gone = true;
    talk.say({ kind: "go" }).catch(() => {}); // the helper was killed: its status says so
  };
  const status = endOf(child, talk);
  return {
    device,
    pid: child.pid,
    go,
    status,
    kill: (signal) => killIfAlive(child, signal),
    async [Symbol.asyncDispose]() {
      killIfAlive(child, "SIGTERM");
      const timer = setTimeout(() => killIfAlive(child, "SIGKILL"), END_TIMEOUT_MS);
      await status;
      clearTimeout(timer);
      await device.close();
    },
  };
}

async function endOf(child: Deno.ChildProcess, talk: Talk<Report, Order>): Promise<CommandEnd> {
  // The last word of the helper, or nothing once it has become the command.
  const report = await talk.hear();
  const { code, signal } = await child.status;
  return report?.kind === "no-command"
    ? { code, signal, problem: report.message }
    : { code, signal };
}

function killIfAlive(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended, which is what its status is for.
  }
}

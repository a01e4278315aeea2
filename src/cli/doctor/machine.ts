/**
 * What this machine can do: the runtime, the device, and the network of `run`.
 *
 * @module
 */

import { DEVICE_CIDRS } from "../../dns/fake_addresses.ts";
import type { TunDevice } from "../../tun/descriptor.ts";
import { libc } from "../../tun/ffi.ts";
import { startInNamespace } from "../../tun/namespace.ts";
import { isPrivileged } from "../../tun/unshare.ts";
import { flowsWithin, maxOpenFiles } from "../open_files.ts";
import { type Finding, no, note, ok, sentenceOf } from "./finding.ts";

/** The oldest Deno that this program is tried with. */
const OLDEST_DENO = "2.9.5";

const DEVICE_PATH = "/dev/net/tun";
const IPV6_PATH = "/proc/net/if_inet6";

/** A command that does nothing. */
const NOTHING = ["true"] as const;

/** Looks at the machine. */
export async function* machineFindings(): AsyncGenerator<Finding> {
  const { deno } = Deno.version;
  const isNew = isAtLeast(deno, OLDEST_DENO);
  yield isNew
    ? ok(`Deno ${deno}`)
    : no(`Deno ${deno} is too old`, `run "deno upgrade", or "npx -y deno@2.9.6"`);
  try {
    libc();
    yield ok(`Linux, ${Deno.osRelease()}, and its C library through FFI`);
  } catch (error) {
    return yield no(sentenceOf(error)); // nothing else can be tried
  }
  yield descriptorFinding();
  yield readable(IPV6_PATH)
    ? ok("IPv6 in the kernel")
    : note("No IPv6 in the kernel", "programs here reach names over IPv4 only");
  yield deviceFinding();
  yield isPrivileged()
    ? ok("Up may make a device: this user has the privilege")
    : note("Up may not make a device", "it needs root; run does not");
  yield* namespaceFindings();
}

/** Fewer flows at once than this are soon reached: a browser alone has some hundreds. */
const FEW_FLOWS = 4096;

function descriptorFinding(): Finding {
  const limit = maxOpenFiles();
  const flows = flowsWithin(limit, 1);
  if (limit === Infinity) return note("Nobody tells how many files may be open", "try it");
  return flows >= FEW_FLOWS
    ? ok(`${limit} open files: ${flows} flows over HTTP/1.1`)
    : note(`Only ${limit} files may be open`, `${flows} flows over HTTP/1.1; raise ulimit -Hn`);
}

function deviceFinding(): Finding {
  try {
    Deno.openSync(DEVICE_PATH, { read: true, write: true }).close();
    return ok(`${DEVICE_PATH} opens`);
  } catch (error) {
    const why = `${DEVICE_PATH} does not open`;
    return error instanceof Deno.errors.NotFound
      ? no(why, `load the module with "modprobe tun"; in a container pass it with --device`)
      : no(why, `this user may not; "chmod 666 ${DEVICE_PATH}" is what most systems have`);
  }
}

/** Does what `run` does: that says more than looking at each thing that it needs. */
async function* namespaceFindings(): AsyncGenerator<Finding> {
  try {
    await using program = await startInNamespace({ command: NOTHING, addresses: DEVICE_CIDRS });
    await using device = program.device;
    program.go();
    const { code, problem } = await program.status;
    if (code !== 0) return yield no(problem ?? `In its namespace a command ended with ${code}`);
    const how = isPrivileged() ? "as root" : "without root";
    yield ok(`Run gives a command a network of its own, ${how}`);
    yield offloadFinding(device);
  } catch (error) {
    yield no(sentenceOf(error));
  }
}

function offloadFinding({ offload, udpOffload }: TunDevice): Finding {
  if (offload && udpOffload) return ok("The device takes super-packets of TCP and of UDP");
  if (offload) {
    return note("The device takes super-packets of TCP only", "those of UDP need Linux 6.2");
  }
  return note("The device takes no super-packets", "every packet costs a system call");
}

function readable(path: string): boolean {
  try {
    return Deno.readTextFileSync(path) !== "";
  } catch {
    return false;
  }
}

/** Whether version `a` is not older than `b`; three numbers each. */
export function isAtLeast(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  const differs = left.findIndex((part, i) => part !== right[i]);
  return differs < 0 || left[differs] > right[differs];
}

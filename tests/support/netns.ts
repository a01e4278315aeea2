/**
 * A network namespace with a name: a machine of its own for the programs under test. It goes with its test.
 *
 * @module
 */

import { type Process, startProcess } from "./process.ts";
import { requireTool, runTool } from "./tools.ts";

/** How a namespace is to be wired. */
export interface NamespaceOptions {
  /** A cable to this machine; the addresses of both ends with their prefix, for instance `10.9.0.1/30`. */
  readonly veth?: { readonly inside: readonly string[]; readonly outside: readonly string[] };
  /** What `/etc/resolv.conf` names inside. */
  readonly resolver?: string;
}

/** What a program inside did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A network namespace. */
export interface Namespace extends AsyncDisposable {
  readonly name: string;
  /** This machine's end of the cable; empty when there is none. */
  readonly outsideInterface: string;
  /** The namespace's end of the cable; empty when there is none. */
  readonly insideInterface: string;
  /** Runs a program inside to its end. */
  run(command: string, ...args: string[]): Promise<Ran>;
  /** Starts a program inside. It ends with the namespace at the latest. */
  start(command: string, ...args: string[]): Process;
}

/** Makes a namespace with its loopback interface up. */
export async function createNamespace(options: NamespaceOptions = {}): Promise<Namespace> {
  const suffix = crypto.getRandomValues(new Uint8Array(4)).toHex();
  const name = `pseudotcp-${suffix}`;
  const stack = new AsyncDisposableStack();
  try {
    await runTool("ip", "netns", "add", name);
    stack.defer(async () => void await runTool("ip", "netns", "delete", name));
    await runTool("ip", "-n", name, "link", "set", "lo", "up");
    if (options.resolver) await writeResolver(name, options.resolver, stack);
    const ends = { inside: `ptin${suffix}`, outside: `ptout${suffix}` };
    if (options.veth) await layCable(name, ends, options.veth, stack);
    return namespace(name, options.veth ? ends : { inside: "", outside: "" }, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function namespace(
  name: string,
  ends: { readonly inside: string; readonly outside: string },
  stack: AsyncDisposableStack,
): Namespace {
  const within = (command: string, args: string[]) => ["netns", "exec", name, command, ...args];
  return {
    name,
    insideInterface: ends.inside,
    outsideInterface: ends.outside,
    async run(command, ...args) {
      const { code, stdout, stderr } = await new Deno.Command(requireTool("ip"), {
        args: within(command, args),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    start: (command, ...args) => stack.use(startProcess("ip", within(command, args))),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function layCable(
  name: string,
  ends: { readonly inside: string; readonly outside: string },
  addresses: NonNullable<NamespaceOptions["veth"]>,
  stack: AsyncDisposableStack,
): Promise<void> {
  const { inside, outside } = ends;
  await runTool(
    "ip",
    "link",
    "add",
    outside,
    "type",
    "veth",
    "peer",
    "name",
    inside,
    "netns",
    name,
  );
  stack.defer(async () => void await runTool("ip", "link", "delete", outside)); // the peer goes with it
  const address = (prefix: string[], text: string, link: string) =>
    runTool(
      "ip",
      ...prefix,
      "address",
      "add",
      text,
      "dev",
      link,
      ...(text.includes(":") ? ["nodad"] : []),
    );
  for (const text of addresses.outside) await address([], text, outside);
  for (const text of addresses.inside) await address(["-n", name], text, inside);
  await runTool("ip", "link", "set", outside, "up");
  await runTool("ip", "-n", name, "link", "set", inside, "up");
}

/** `ip netns exec` lays this file over `/etc/resolv.conf`. */
async function writeResolver(name: string, resolver: string, stack: AsyncDisposableStack) {
  const folder = `/etc/netns/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.writeTextFile(`${folder}/resolv.conf`, `nameserver ${resolver}\n`);
}

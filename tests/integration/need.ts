/** What an integration test asks of the machine. A test that is skipped says why; under `CI=true` it fails. */

import { libc } from "../../src/tun/ffi.ts";

/** For `Deno.test({ ignore })`: whether something is missing. */
export function missing(needs: Readonly<Record<string, boolean>>): boolean {
  const absent = Object.entries(needs).filter(([, there]) => !there).map(([what]) => what);
  if (absent.length === 0) return false;
  const sentence = `Integration tests are skipped, for this is missing: ${absent.join(", ")}`;
  if (Deno.env.get("CI") === "true") throw new Error(sentence);
  if (!said.has(sentence)) console.warn(sentence);
  said.add(sentence);
  return true;
}

const said = new Set<string>();

/** Whether a program stands in one of the directories of PATH. */
export function hasProgram(name: string): boolean {
  const directories = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/sbin");
  return directories.some((directory) => exists(`${directory}/${name}`));
}

/** Whether a file of any kind is there. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether this machine lets us make TUN devices and network namespaces. */
export const hasTun: boolean = Deno.build.os === "linux" && Deno.uid() === 0 &&
  exists("/dev/net/tun");

// The library stays open for the life of the program: opened before any test, no sanitizer takes it for a leak.
if (hasTun) libc();

/** Runs a program to its end and returns what it printed; throws when it fails. */
export async function sh(command: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (!output.success) {
    const why = new TextDecoder().decode(output.stderr);
    throw new Error(`${command} ${args.join(" ")} ended with ${output.code}: ${text}${why}`);
  }
  return text;
}

let count = 0;

/** A network namespace of its own, with a name nobody else has; gone at the end of the scope. */
export async function freshNetns(): Promise<{ name: string } & AsyncDisposable> {
  const name = `pseudotcp-${Deno.pid}-${++count}`;
  await sh("ip", "netns", "add", name);
  await sh("ip", "-n", name, "link", "set", "lo", "up");
  return {
    name,
    async [Symbol.asyncDispose]() {
      await sh("ip", "netns", "del", name);
    },
  };
}

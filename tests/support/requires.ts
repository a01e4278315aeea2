/**
 * Says what a test needs of the machine: `Deno.test("...", requires("squid", "root"), async () => { ... })`.
 *
 * Where something is missing the test is skipped and the reason printed. With `CI=true` nothing may be skipped, so the reason
 * becomes a failing test of its own.
 *
 * @module
 */

import { findTool } from "./tools.ts";

/** Needs that are no programs, with the reason when they are not met. */
const CONDITIONS: Readonly<Record<string, () => string | undefined>> = {
  root: () => Deno.uid() === 0 ? undefined : "it needs root",
  tun: () => canOpen("/dev/net/tun") ? undefined : "it needs to open /dev/net/tun",
  netns: () =>
    Deno.uid() !== 0
      ? "it needs root, to make a network namespace"
      : succeeds("unshare", "--net", "true")
      ? undefined
      : "this machine makes no network namespace",
  userns: () =>
    succeeds("unshare", "--user", "--map-root-user", "--net", "true")
      ? undefined
      : "this machine makes no user namespace",
  aioquic: () =>
    succeeds("python3", "-c", "import aioquic") ? undefined : "it needs aioquic of Python",
  pycurl: () =>
    succeeds("python3", "-c", "import pycurl; pycurl.Curl().setopt(pycurl.PROXYTYPE, 3)")
      ? undefined
      : "it needs pycurl of Python, with HTTP/2 to proxies",
};

/** What a test needs: a condition above, or the name of a program. */
export type Need =
  | "root"
  | "tun"
  | "netns"
  | "userns"
  | "aioquic"
  | "pycurl"
  | (string & Record<never, never>);

const known = new Map<Need, string | undefined>();
const said = new Set<string>();

/** The options of a test that needs all of `needs`. */
export function requires(...needs: Need[]): { ignore: boolean } {
  const reasons = needs.map(whyNot).filter((reason) => reason !== undefined);
  if (reasons.length === 0) return { ignore: false };
  const reason = `Skipped here: ${reasons.join(", and ")}`;
  if (!said.has(reason)) {
    said.add(reason);
    if (Deno.env.get("CI") === "true") failFor(reason);
    else console.log(reason);
  }
  return { ignore: true };
}

function failFor(reason: string): void {
  Deno.test(`with CI=true nothing is skipped (${reason})`, () => {
    throw new Error(`${reason}. Run .ci/run, which installs what is missing`);
  });
}

function whyNot(need: Need): string | undefined {
  if (!known.has(need)) {
    const missing = () =>
      findTool(need) === undefined ? `it needs the program "${need}"` : undefined;
    known.set(need, (CONDITIONS[need] ?? missing)());
  }
  return known.get(need);
}

function succeeds(name: string, ...args: string[]): boolean {
  const path = findTool(name);
  if (path === undefined) return false;
  const command = new Deno.Command(path, { args, stdin: "null", stdout: "null", stderr: "null" });
  return command.outputSync().success;
}

function canOpen(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return true;
  } catch {
    return false; // whatever the reason, it cannot be opened
  }
}

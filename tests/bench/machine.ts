/**
 * On what it was measured.
 *
 * @module
 */

import { runTool } from "../support/tools.ts";

/** The machine in words. */
export async function machine(): Promise<string> {
  const info = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? Deno.build.arch;
  const gigabytes = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  const load = Deno.loadavg()[0].toFixed(1);
  const cores = navigator.hardwareConcurrency;
  return `${model}, ${cores} cores, ${gigabytes} GiB, Linux ${Deno.osRelease()}, load ${load} at the start`;
}

/** What took part on our side. */
export async function versions(): Promise<Record<string, string>> {
  const iperf = (await runTool("iperf3", "--version")).match(/iperf (\S+)/)?.[1] ?? "unknown";
  const root = new URL("../..", import.meta.url).pathname;
  const commit = await runTool("git", "-C", root, "rev-parse", "--short", "HEAD").catch(() => "");
  return {
    pseudotcp: commit.trim() || "of an unknown commit",
    Deno: Deno.version.deno,
    V8: Deno.version.v8,
    iperf3: iperf,
  };
}

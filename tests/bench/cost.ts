/**
 * What the processes of a road cost: processor time and memory, as the kernel counts them.
 *
 * @module
 */

import type { RoadProcess } from "./roads/road.ts";

/** `sysconf(_SC_CLK_TCK)`, the same on every Linux that Deno runs on. */
const TICKS_A_SECOND = 100;

/** Processor seconds, or bytes of memory, by role. */
export type ByRole = Partial<Record<RoadProcess["role"], number>>;

/** Processor time in seconds of the processes so far: all threads, and the kernel's work for them. */
export function processorSeconds(processes: readonly RoadProcess[]): ByRole {
  return byRole(processes, (pid) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // Behind the name, which may hold anything: state is the first field, utime and stime the 12th and 13th (proc(5)).
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  });
}

/** Resident memory in bytes. */
export function residentBytes(processes: readonly RoadProcess[]): ByRole {
  return byRole(processes, (pid) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) * 1024;
  });
}

function byRole(processes: readonly RoadProcess[], of: (pid: number) => number): ByRole {
  const found: ByRole = {};
  for (const { role, pid } of processes) found[role] = (found[role] ?? 0) + of(pid);
  return found;
}

/**
 * How many files, and so sockets, this process may have open. The runtime itself raises its limit to the hard one (RLIMIT_NOFILE), which only
 * whoever starts it can raise.
 *
 * @module
 */

/** What a process has open beside its flows: the device, libraries, connections that come and go. */
const SPARE_DESCRIPTORS = 100;

/** The limit; Infinity where nobody tells. */
export function maxOpenFiles(read = () => Deno.readTextFileSync("/proc/self/limits")): number {
  try {
    const found = /^Max open files +(\d+)/m.exec(read());
    return found === null ? Infinity : Number(found[1]);
  } catch {
    return Infinity;
  }
}

/** For how many flows with `each` descriptors a limit is enough. */
export function flowsWithin(limit: number, each: number): number {
  return Math.max(Math.floor((limit - SPARE_DESCRIPTORS) / each), 0);
}

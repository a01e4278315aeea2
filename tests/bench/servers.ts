/**
 * The servers that every road leads to.
 *
 * @module
 */

import { startProcess } from "../support/process.ts";
import type { Servers } from "./roads/road.ts";

/** Starts the echo; iperf3 is started for each measurement. */
export async function startServers(
  hostname: string,
  stack: AsyncDisposableStack,
): Promise<Servers> {
  const load = new URL("works/load.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--no-config", "--unstable-net", load, "serve", hostname];
  const echo = stack.use(startProcess(Deno.execPath(), args));
  const [, echoPort] = await echo.waitFor(/serving (\d+)/, 10_000);
  return { hostname, iperfPort: freePort(hostname), echoPort: Number(echoPort) };
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

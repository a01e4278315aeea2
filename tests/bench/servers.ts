/**
 * The servers that every road leads to.
 *
 * @module
 */

import { startProcess } from "../support/process.ts";
import type { Servers } from "./roads/road.ts";
import { programCommand } from "./works/run_load.ts";

/** Starts the echo and the QUIC server; iperf3 is started for each measurement. */
export async function startServers(
  hostname: string,
  stack: AsyncDisposableStack,
): Promise<Servers> {
  const [echoPort, quicPort] = await Promise.all(
    ["load.ts", "quic_load.ts"].map(async (file) => {
      const [command, ...args] = programCommand(file, "serve", hostname);
      const server = stack.use(startProcess(command, args));
      const [, port] = await server.waitFor(/serving (\d+)/, 10_000);
      return Number(port);
    }),
  );
  return { hostname, iperfPort: freePort(hostname), echoPort, quicPort };
}

function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

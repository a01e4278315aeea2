/**
 * `proxy`: serves the embedded proxy to others.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { limitsForFlows } from "../proxy/limits.ts";
import { type ProxyOptions, serveProxy } from "../proxy/proxy.ts";
import { flowsWithin, maxOpenFiles } from "./open_files.ts";
import type { ProxyCommand } from "./options.ts";
import { aborted, listenForEnding } from "./signals.ts";
import { type Terminal, terminalLog } from "./terminal.ts";

/** Listens, says so in one line on standard error, and serves until it is asked to end. */
export async function proxyCommand(command: ProxyCommand, terminal: Terminal): Promise<number> {
  const { listen, plain, identity, token, allow, bind, clientFlows } = command;
  const log = terminalLog(command.log, terminal, token === undefined ? [] : [token]);
  if (clientFlows !== undefined) warnOfDescriptors(clientFlows, log);
  using ending = listenForEnding();
  const options: ProxyOptions = {
    ...listen,
    tls: plain ? false : identity ?? "self-signed",
    token,
    allow,
    bind: bind.length > 0 ? bind : undefined,
    limits: clientFlows === undefined ? undefined : limitsForFlows(clientFlows),
    log,
  };
  await using server = await serveProxy(options).catch((error) => {
    throw explained(error, listen);
  });
  const pin = server.certificateSha256;
  terminal.err(`listening ${server.url}${pin === undefined ? "" : ` --pin ${pin}`}`);
  await aborted(ending.signal);
  return 0;
}

/** Of a flow over HTTP/1.1: one to the client, one to the origin. */
const DESCRIPTORS_PER_FLOW = 2;

function warnOfDescriptors(flows: number, log: Log): void {
  const most = maxOpenFiles();
  const room = flowsWithin(most, DESCRIPTORS_PER_FLOW);
  if (room >= flows) return;
  log.warn(
    `This process may open ${most} files, enough for ${room} flows over HTTP/1.1 and not for ${flows}: ` +
      "raise the hard limit before it starts (ulimit -Hn, or LimitNOFILE of systemd)",
  );
}

/** The runtime tells what is wrong with an address, and not which address it is. */
function explained(error: unknown, listen: ProxyCommand["listen"]): unknown {
  const { hostname, port } = listen;
  const where = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return new Deno.errors.AddrInUse(
      `Cannot listen on "${where}": another program does. Choose another port, or 0 for a free one`,
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new Deno.errors.AddrNotAvailable(
      `Cannot listen on "${where}": this machine has no such address`,
    );
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(
      `Cannot listen on "${where}": not permitted. Ports below 1024 are for root`,
    );
  }
  return error;
}

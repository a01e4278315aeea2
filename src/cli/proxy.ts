/**
 * `proxy`: serves the embedded proxy to others.
 *
 * @module
 */

import { serveProxy } from "../proxy/proxy.ts";
import type { ProxyCommand } from "./options.ts";
import { aborted, listenForEnding } from "./signals.ts";
import { type Terminal, terminalLog } from "./terminal.ts";

/** Listens, says so in one line on standard error, and serves until it is asked to end. */
export async function proxyCommand(command: ProxyCommand, terminal: Terminal): Promise<number> {
  const { listen, plain, identity, token, allow, log } = command;
  using ending = listenForEnding();
  await using server = await serveProxy({
    ...listen,
    tls: plain ? false : identity ?? "self-signed",
    token,
    allow,
    log: terminalLog(log, terminal, token === undefined ? [] : [token]),
  });
  const pin = server.certificateSha256;
  terminal.err(`listening ${server.url}${pin === undefined ? "" : ` --pin ${pin}`}`);
  await aborted(ending.signal);
  return 0;
}

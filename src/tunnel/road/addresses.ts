/**
 * Connects to a name with several addresses in the manner of Happy Eyeballs (RFC 8305): by turns of the families, each attempt with a head start
 * before the next, and the first that stands wins. `autoSelectFamily` of `node:net` gives an attempt up when the next begins, so
 * a proxy that is 300 ms away would never be reached.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { lookup } from "node:dns/promises";
import * as net from "node:net";

/** RFC 8305, section 5: the Connection Attempt Delay. */
export const NEXT_ADDRESS_MS = 250;

/** Addresses that are tried; a name with more has had its chance by then. */
const MAX_ADDRESSES = 8;

/** The addresses of a name, the preferred one first (RFC 6724, as the system sorts them). */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** Connects by TCP. Rejects with the signal's reason, or with the last failure, an `Error` that has a `code`. */
export async function connectTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
  resolve: Resolve = resolveName,
): Promise<net.Socket> {
  signal.throwIfAborted();
  const found = net.isIP(hostname) ? [hostname] : await abortable(resolve(hostname), signal);
  const addresses = byTurns(found).slice(0, MAX_ADDRESSES);
  return await firstToConnect(addresses, port, signal);
}

/** RFC 8305, section 4: families by turns, beginning with that of the first address. */
export function byTurns(addresses: readonly string[]): string[] {
  const first = addresses.filter((a) => net.isIP(a) === net.isIP(addresses[0]));
  const other = addresses.filter((a) => net.isIP(a) !== net.isIP(addresses[0]));
  return first.flatMap((address, i) => i < other.length ? [address, other[i]] : [address])
    .concat(other.slice(first.length));
}

function firstToConnect(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const rest = [...addresses];
    const open = new Set<net.Socket>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (winner: net.Socket | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      for (const socket of open) if (socket !== winner) socket.destroy();
    };
    const abort = () => {
      settle(undefined);
      reject(signal.reason);
    };
    const next = () => {
      clearTimeout(timer);
      const host = rest.shift();
      if (host === undefined) return;
      const socket = net.connect({ host, port, allowHalfOpen: true });
      open.add(socket);
      socket.once("connect", () => {
        socket.off("error", fail);
        settle(socket);
        resolve(socket);
      });
      const fail = (error: Error) => {
        open.delete(socket);
        if (rest.length > 0) return next();
        if (open.size > 0) return;
        settle(undefined);
        reject(error);
      };
      socket.once("error", fail).on("error", ignore);
      if (rest.length > 0) timer = setTimeout(next, NEXT_ADDRESS_MS);
    };
    signal.addEventListener("abort", abort);
    next();
  });
}

/** Those that lost may fail in peace. By a function out here, because whoever won keeps it, with all that it sees. */
function ignore(): void {}

async function resolveName(hostname: string): Promise<string[]> {
  const records = await lookup(hostname, { all: true, verbatim: true });
  return records.map(({ address }) => address);
}

/**
 * A proxy that is reached through another one: the connection to it is a tunnel of that one, so the first proxy knows who asks, and the
 * second where to.
 *
 * @module
 */

import type { Socket } from "node:net";
import { ProxyError } from "../../errors.ts";
import { unanswered } from "../../masque/outcome.ts";
import type { Outcome } from "../../outcome.ts";
import { type Connection, failureOf } from "../connection/connection.ts";
import { parsePin, secure } from "../connection/dial.ts";
import type { ProxySettings } from "../settings.ts";
import { CipherPipe } from "../connection/tls_over.ts";
import { tunnelDuplex } from "../duplex/tunnel_duplex.ts";
import type { OpenTunnel, ProxyClient } from "../tunnel.ts";
import type { Dialer } from "./reach.ts";

/** Opens connections to `proxy` through `via`. */
export function through(via: ProxyClient, proxy: ProxySettings): Dialer {
  return (alpn, signal) => attempt(proxy, signal, (signal) => connect(via, proxy, alpn, signal));
}

/** Makes an attempt within the proxy's deadline. Its signal serves until then only: that of a tunnel would break the tunnel off later, too. */
export async function attempt<T>(
  { timeouts: { dialMs } }: ProxySettings,
  signal: AbortSignal,
  make: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const attempt = new AbortController();
  const give = () => attempt.abort(signal.reason);
  const late = () => attempt.abort(new Error(`no connection within ${dialMs / 1000} s`));
  const timer = setTimeout(late, dialMs);
  signal.addEventListener("abort", give);
  try {
    signal.throwIfAborted();
    return await make(attempt.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", give);
  }
}

/** The error when `via` refused the way to `proxy`: to the flows behind it, that one cannot be reached. */
export function refusedBy(via: ProxyClient, proxy: ProxySettings, why: Outcome): ProxyError {
  const detail =
    `Could not reach the proxy ${proxy.name} through ${via.description}: ${why.detail}`;
  const isOurs = why.kind === "proxy_authentication_required";
  const kind = isOurs ? why.kind : "proxy_unreachable";
  return new ProxyError({ ...unanswered("proxy_unreachable", detail), kind });
}

async function connect(
  via: ProxyClient,
  proxy: ProxySettings,
  alpn: readonly string[],
  signal: AbortSignal,
): Promise<Connection> {
  const { hostname, port, scheme, trust } = proxy;
  const tunnel = await via.connect({ hostname, port }, { signal });
  if (!tunnel.ok) throw refusedBy(via, proxy, tunnel.outcome);
  return scheme === "http"
    ? inTheClear(tunnel)
    : await inTls(tunnel, hostname, { ...trust, alpn }, signal);
}

function inTheClear(tunnel: OpenTunnel): Connection {
  const { duplex, received } = tunnelDuplex(tunnel);
  const socket = duplex as Socket; // nothing is asked of it that a duplex has not
  return {
    socket,
    received,
    failure: failureOf(socket),
    pause: () => void duplex.pause(),
    resume: () => void duplex.resume(),
    reset: () => void duplex.destroy(),
    endedInOrder: () => !duplex.destroyed,
  };
}

async function inTls(
  tunnel: OpenTunnel,
  hostname: string,
  settings: Parameters<typeof secure>[2],
  signal: AbortSignal,
): Promise<Connection> {
  const { duplex, received } = tunnelDuplex(tunnel);
  const pin = settings.pin === undefined ? undefined : parsePin(settings.pin);
  // As in `dial.ts`: what may become HTTP/2 needs no cure.
  if (!settings.alpn.includes("h2")) {
    const pipe = new CipherPipe(duplex, { received });
    try {
      return pipe.connection(await secure(pipe.duplex, hostname, settings, pin, signal));
    } catch (error) {
      duplex.destroy();
      throw error;
    }
  }
  const tls = await secure(duplex, hostname, settings, pin, signal);
  tls.once("close", () => duplex.destroy());
  return {
    socket: tls,
    received,
    failure: failureOf(tls),
    pause: () => void tls.pause(),
    resume: () => void tls.resume(),
    reset: () => {
      tls.destroy();
      duplex.destroy();
    },
    endedInOrder: () => !tls.destroyed,
  };
}

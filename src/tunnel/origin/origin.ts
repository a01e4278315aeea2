/**
 * A connection to an origin, through a tunnel: TCP is the proxy's, TLS is end to end with the origin.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { ProxyError } from "../../errors.ts";
import { parsePin, secure, type Trust } from "../connection/dial.ts";
import { tunnelDuplex } from "../duplex/tunnel_duplex.ts";
import type { ProxyClient } from "../tunnel.ts";

/** Which origin, and how it is spoken to. */
export interface Origin {
  /** `https://name:port`, as {@linkcode URL} spells it. */
  readonly origin: string;
  /** A name or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Absent for the clear. */
  readonly trust?: Trust;
}

/** A connection that stands. */
export interface OriginConnection {
  /** TLS, or the tunnel itself in the clear. */
  readonly stream: Duplex;
  /** Whether TLS agreed on HTTP/2. */
  readonly isHttp2: boolean;
  /** Bytes received so far. */
  received(): number;
  /** Breaks it off; settles when the tunnel has ended. */
  close(): Promise<void>;
}

/** The origin of a URL, to be trusted as `trust` says. */
export function originOf(url: URL, trust: Trust): Origin {
  const isSecure = url.protocol === "https:";
  return {
    origin: url.origin,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port) || (isSecure ? 443 : 80),
    trust: isSecure ? trust : undefined,
  };
}

/**
 * Connects through `proxy`, which resolves the origin's name. Rejects with a `ProxyError` when the proxy refuses, and with the `Error` of
 * the TLS handshake.
 */
export async function connectOrigin(
  proxy: ProxyClient,
  { hostname, port, trust }: Origin,
  signal: AbortSignal,
): Promise<OriginConnection> {
  const tunnel = await proxy.connect({ hostname, port }, { signal });
  if (!tunnel.ok) throw new ProxyError(tunnel.outcome);
  const { duplex, received } = tunnelDuplex(tunnel);
  let stream: Duplex = duplex;
  if (trust !== undefined) {
    const settings = { ...trust, alpn: ["h2", "http/1.1"] };
    const pin = trust.pin === undefined ? undefined : parsePin(trust.pin);
    stream = await secure(duplex, hostname, settings, pin, signal);
  }
  return {
    stream,
    isHttp2: (stream as TLSSocket).alpnProtocol === "h2",
    received,
    async close() {
      stream.destroy();
      duplex.destroy();
      await tunnel.closed;
    },
  };
}

/**
 * The ports of a proxy: TCP, and UDP of the same number where HTTP/3 is served.
 *
 * @module
 */

import { quicIsAvailable, WITHOUT_QUIC } from "../http3/runtime.ts";
import type { Log } from "../log.ts";
import { setNoDelayOfAccepted } from "../sockets/tcp_descriptor.ts";
import { QuicListener, type QuicOptions } from "./h3/listener.ts";

/** How often a free number is tried: one that is free for TCP may be taken for UDP. */
const MAX_ATTEMPTS = 8;

/** Where to listen, and with what. */
export interface ListenOptions extends Omit<QuicOptions, "cert" | "key"> {
  /** A certificate chain and a key in PEM; in the clear without. */
  readonly pair: { readonly cert: string; readonly key: string } | undefined;
  /** Whether HTTP/3 is wanted; by itself where it can be had. */
  readonly http3: boolean | undefined;
}

/** Where clients come in. */
export interface Listeners {
  readonly tcp: Deno.Listener;
  readonly quic?: QuicListener;
}

/**
 * Listens. Where HTTP/3 cannot be served, the log says so once.
 *
 * @throws {TypeError} If HTTP/3 is insisted on where it cannot be served
 * @throws {Deno.errors.AddrInUse} If the port is taken
 */
export function listen(options: ListenOptions): Listeners {
  const { pair, http3, log } = options;
  const obstacle = pair === undefined ? "it needs TLS" : quicIsAvailable() ? "" : WITHOUT_QUIC;
  if (http3 && obstacle) throw new TypeError(`Cannot serve HTTP/3: ${obstacle}`);
  if (pair === undefined || http3 === false) return { tcp: overTcp(options) };
  if (obstacle) {
    const tcp = overTcp(options);
    log.info(`The proxy serves no HTTP/3: ${obstacle}`);
    return { tcp };
  }
  return overBoth({ ...options, ...pair }, log);
}

function overBoth(options: ListenOptions & QuicOptions, log: Log): Listeners {
  for (let attempt = 1;; attempt++) {
    const tcp = overTcp(options);
    const { port } = tcp.addr as Deno.NetAddr;
    try {
      return { tcp, quic: new QuicListener({ ...options, port }) };
    } catch (error) {
      const mayTryAnother = options.port === 0 && attempt < MAX_ATTEMPTS;
      if (!mayTryAnother && !options.http3) {
        log.warn(`The proxy serves no HTTP/3: UDP port ${port} cannot be had (${error})`);
        return { tcp };
      }
      tcp.close();
      if (!mayTryAnother) throw error;
    }
  }
}

function overTcp({ hostname, port, pair }: ListenOptions): Deno.Listener {
  if (pair === undefined) return Deno.listen({ hostname, port });
  const { cert, key } = pair;
  const alpnProtocols = ["h2", "http/1.1"];
  const listener = Deno.listenTls({ hostname, port, cert, key, alpnProtocols });
  setNoDelayOfAccepted(listener);
  return listener;
}

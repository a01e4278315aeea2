/**
 * The road over HTTP/3 (RFC 9114, 9220, 9297).
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { MultiplexedClient } from "../multiplexed_client.ts";
import { Reach } from "../road/reach.ts";
import { type ProxySettings, unreachable } from "../settings.ts";
import type { ProxyClient } from "../tunnel.ts";
import { dialQuic, obstacleToHttp3, type QuicConnection } from "./dial.ts";
import { dialQuicThrough } from "./via.ts";
import { H3Session } from "./session.ts";

/** What a connection to a proxy may be told. */
export interface H3ConnectOptions {
  /** Whether the proxy can be reached; over UDP only, so not the one that TCP has. One of its own unless given. */
  readonly reach?: Reach;
  /** A proxy to reach this one through, by its tunnels for UDP. */
  readonly via?: ProxyClient;
  /** Gives the first connection up. */
  readonly signal?: AbortSignal;
}

/** A way to a proxy over HTTP/3. */
export class H3Client extends MultiplexedClient<H3Session> {
  /** Without a connection yet: the first flow opens one, or {@linkcode H3Client.connect} does, with `first`. */
  constructor(
    proxy: ProxySettings,
    reach: Reach = new Reach(proxy),
    first?: QuicConnection,
    dial: typeof dialQuic = dialQuic,
  ) {
    super(proxy, reach, {
      version: "3",
      open: async (events, signal) => {
        const quic = first ?? await reach.through((either) => dial(proxy, either), signal);
        first = undefined;
        try {
          return await H3Session.open(quic, proxy, events, signal);
        } catch (error) {
          signal.throwIfAborted();
          throw error instanceof ProxyError ? error : unreachable(proxy, error);
        }
      },
    });
  }

  /**
   * A client with one connection that stands. Rejects with a `ProxyError` when there is none to be had, with the signal's reason, and with a
   * `TypeError` where {@linkcode obstacleToHttp3} knows that there never will be.
   */
  static async connect(
    proxy: ProxySettings,
    { reach = new Reach(proxy), via, signal = new AbortController().signal }: H3ConnectOptions = {},
  ): Promise<H3Client> {
    const obstacle = obstacleToHttp3(proxy);
    if (obstacle !== undefined) throw new TypeError(`Cannot speak HTTP/3: ${obstacle}`);
    const dial: typeof dialQuic = via === undefined
      ? dialQuic
      : (proxy, signal) => dialQuicThrough(via, proxy, signal);
    const quic = await reach.through((either) => dial(proxy, either), signal);
    const client = new H3Client(proxy, reach, quic, dial);
    await client.start();
    return client;
  }
}

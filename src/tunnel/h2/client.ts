/**
 * The road over HTTP/2.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { alpnOf, type Connection } from "../connection/connection.ts";
import { H2Session } from "./session.ts";
import { MultiplexedClient, type SessionEvents } from "../multiplexed_client.ts";
import { Reach } from "../road/reach.ts";
import { type ProxySettings, unreachable } from "../settings.ts";

/** A way to a proxy over HTTP/2. */
export class H2Client extends MultiplexedClient<H2Session> {
  /** Without a connection yet: {@linkcode H2Client.over} brings the first one, given as `first`. */
  constructor(proxy: ProxySettings, reach: Reach = new Reach(proxy), first?: Connection) {
    super(proxy, reach, {
      version: "2",
      open: async (events, signal) => {
        const connection = first ?? await reach.dial(["h2"], signal);
        first = undefined;
        return await speak(connection, proxy, events, signal);
      },
    });
  }

  /** A client whose first connection is `first`. Rejects with a `ProxyError` when the other side does not speak HTTP/2. */
  static async over(first: Connection, proxy: ProxySettings, reach?: Reach): Promise<H2Client> {
    const client = new H2Client(proxy, reach, first);
    await client.start();
    return client;
  }
}

async function speak(
  connection: Connection,
  proxy: ProxySettings,
  events: SessionEvents<H2Session>,
  signal: AbortSignal,
): Promise<H2Session> {
  if (proxy.scheme === "https" && alpnOf(connection) !== "h2") {
    connection.reset();
    throw unreachable(proxy, new Error("it does not offer HTTP/2 by ALPN; ask for http 1.1"));
  }
  try {
    return await H2Session.open(connection, proxy, events);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ProxyError ? error : unreachable(proxy, error);
  }
}

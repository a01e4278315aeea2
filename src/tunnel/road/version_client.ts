/**
 * What the client of each HTTP version is to the road that holds them.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { ProxyClient } from "../tunnel.ts";

/** One version of HTTP towards one proxy. */
export interface VersionClient extends ProxyClient {
  /** As `--http` has it. */
  readonly version: "3" | "2" | "1.1" | "fetch";
  /** Connections that stand. */
  readonly connections: number;
  /**
   * New flows take new connections from now on. Connections that `isLost` are broken off with their flows; the others carry on those that are open,
   * and are asked at once whether they live.
   */
  renew(isLost: (connection: Pick<Connection, "localAddress">) => boolean): void;
  /** Settles when a connection stands that the next flow can take. Rejects with a `ProxyError`, or with the signal's reason. */
  warm(signal: AbortSignal): Promise<void>;
}

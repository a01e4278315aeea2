/**
 * What the client of each HTTP version is to the road that holds them.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type {
  ConnectOptions,
  ProxyClient,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "../tunnel.ts";

/** A connection from which nothing comes, not even an answer to a question. */
export interface Silence {
  /** Settles with true when it says something after all, and with false when it is over. */
  readonly heard: Promise<boolean>;
}

/** What a road may be told of a request beside its answer. */
export interface RoadOptions extends ConnectOptions {
  /** Called at most once, when the connection that carries the request is silent for a quarter of a second. */
  readonly onSilence?: (silence: Silence) => void;
}

/** One version of HTTP towards one proxy. */
export interface VersionClient extends ProxyClient {
  /** As `--http` has it. */
  readonly version: "3" | "2" | "1.1" | "fetch";
  /** Connections that stand. */
  readonly connections: number;
  connect(target: Target, options?: RoadOptions): Promise<TunnelResponse>;
  connectUdp(target: Target, options?: RoadOptions): Promise<UdpTunnelResponse>;
  /**
   * New flows take new connections from now on. Connections that `isLost` are broken off with their flows; the others carry on those that are open,
   * and are asked at once whether they live.
   */
  renew(isLost: (connection: Pick<Connection, "localAddress">) => boolean): void;
  /** Settles when a connection stands that the next flow can take. Rejects with a `ProxyError`, or with the signal's reason. */
  warm(signal: AbortSignal): Promise<void>;
}

/**
 * What the race of versions is told.
 *
 * @module
 */

import type { RefusedTunnel } from "../tunnel.ts";
import type { RoadOptions, VersionClient } from "./version_client.ts";

/** HTTP/3, where it can be had. */
export interface Climb {
  /** Opens a client with a connection; `port` is where `Alt-Svc` says HTTP/3 is. */
  open(port: number | undefined, signal: AbortSignal): Promise<VersionClient>;
  /** Makes the next attempt at once, whatever the ones before it came to. */
  hurry(): void;
}

/** What is raced, and how. */
export interface AutoOptions {
  readonly climb: Climb;
  /** Opens a client over TCP, with a connection. */
  readonly openTcp: (signal: AbortSignal) => Promise<VersionClient>;
  /** The proxy's port, which `Alt-Svc` may name as well. */
  readonly port: number;
  /** Told in words when flows take another version. */
  readonly onChange?: (words: string) => void;
  /** Head start of HTTP/3, and the longest that a flow waits for a connection of it. */
  readonly headStartMs?: number;
  /** Until HTTP/3 is tried again after it failed: doubles each time, up to an hour. */
  readonly climbMs?: number;
}

/** What every answer has. */
export type Answer = { readonly ok: true; readonly headers: Headers } | RefusedTunnel;

/** Asks one client. */
export type Ask<T> = (client: VersionClient, options: RoadOptions) => Promise<T>;

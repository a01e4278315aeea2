/**
 * What one end of a connection is told, and whom it tells.
 *
 * @module
 */

import type { Goaway } from "./frames.ts";
import type { H2Settings } from "./settings.ts";
import type { StreamHandler, StreamState } from "./stream_state.ts";
import type { Side } from "./stream_table.ts";

/** What a connection is told at its beginning. */
export interface MachineOptions {
  readonly side: Side;
  /** Ours. */
  readonly settings: H2Settings;
  /** What the peer may send on all streams together before we have taken it. */
  readonly windowBytes: number;
  /** Bounds each head, as it comes and as its fields are counted. */
  readonly maxHeadBytes: number;
}

/** Whom a connection tells. */
export interface MachineEvents {
  /** A request begins: makes the one who takes what comes on its stream. Never asked of a client. */
  request(stream: StreamState): StreamHandler;
  /** The peer has sent SETTINGS. */
  settings(settings: H2Settings): void;
  /** The peer takes no stream above this one. */
  goaway(goaway: Goaway): void;
}

/**
 * Receive windows that grow where the way to the peer is long: a stream that fills its window in the time of one round trip is held up by
 * it. The round trip is that of a PING (RFC 9113, section 6.7), so no clock is needed.
 *
 * @module
 */

import type { StreamState } from "./stream_state.ts";

/** The payload of a PING that asks for the time of a round trip. */
export const PROBE: Uint8Array<ArrayBuffer> = new TextEncoder().encode("how far?");

/** No window is larger: 1 Gbit/s at 130 ms. */
const MAX_WINDOW_BYTES = 1 << 24;

/**
 * All windows of a connection together grow by no more than this. Who reads slowly after all may leave so much lying here, which must stay below
 * what stops a whole connection.
 */
const MAX_GROWN_BYTES = 1 << 25;

/** PINGs come no sooner after each other, or a peer would take them for a flood: ours bears twenty in a second. */
const PROBE_EVERY_MS = 100;

/** Decides which window grows. One stream is measured at a time. */
export class WindowGrowth {
  #probed: StreamState | undefined;
  /** Came on it since the PING. */
  #bytes = 0;
  #grownBytes = 0;
  #askedAt = -Infinity;

  /** So many bytes came on a stream at `now`, in milliseconds. True when a PING with {@linkcode PROBE} shall go out. */
  came(stream: StreamState, count: number, now: number): boolean {
    if (stream === this.#probed) {
      this.#bytes += count;
      return false;
    }
    const { receiving } = stream;
    receiving.untilProbe -= count;
    if (receiving.untilProbe > 0 || this.#probed !== undefined || this.#room(stream) <= 0) {
      return false;
    }
    if (now - this.#askedAt < PROBE_EVERY_MS) return false;
    this.#askedAt = now;
    this.#probed = stream;
    this.#bytes = 0;
    return true;
  }

  /** The PING was answered: gives a stream, and by how much its window has grown. */
  answered(): { readonly stream: StreamState; readonly by: number } | undefined {
    const stream = this.#probed;
    this.#probed = undefined;
    if (stream === undefined || stream.hasEndedIn || stream.isBroken) return undefined;
    const { receiving } = stream;
    // Updates come by quarters, so a peer that is held up by the window sends three of them or more.
    if (this.#bytes < receiving.size / 2) {
      receiving.waitLonger();
      return undefined;
    }
    const by = Math.min(receiving.size, this.#room(stream));
    receiving.grow(by);
    this.#grownBytes += by;
    return { stream, by };
  }

  /** Nothing more comes on a stream. */
  ended(stream: StreamState): void {
    this.#grownBytes -= stream.receiving.takeGrown();
  }

  #room({ receiving }: StreamState): number {
    return Math.min(MAX_WINDOW_BYTES - receiving.size, MAX_GROWN_BYTES - this.#grownBytes);
  }
}

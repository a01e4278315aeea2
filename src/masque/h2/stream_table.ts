/**
 * The streams of a connection, and which numbers they may have (RFC 9113, section 5.1.1).
 *
 * @module
 */

import { MAX_STREAM_ID } from "./codes.ts";
import type { StreamState } from "./stream_state.ts";

/** Which end this is. */
export type Side = "client" | "server";

/** Open and half-closed streams, all of them opened by the client. */
export class StreamTable {
  readonly #streams = new Map<number, StreamState>();
  /** The highest number used so far. */
  #lastId = -1;

  /** The highest number used so far; 0 for none. */
  get lastId(): number {
    return Math.max(0, this.#lastId);
  }

  /** How many there are. */
  get size(): number {
    return this.#streams.size;
  }

  /** All of them; ones that are removed meanwhile do not disturb. */
  get all(): readonly StreamState[] {
    return [...this.#streams.values()];
  }

  /** The number of our next stream; `undefined` when they are used up. */
  get nextId(): number | undefined {
    return this.#lastId + 2 > MAX_STREAM_ID ? undefined : this.#lastId + 2;
  }

  /** The stream of this number, unless it is closed, or idle. */
  get(id: number): StreamState | undefined {
    return this.#streams.get(id);
  }

  /** Whether no stream of this number was opened yet; those that a server opens never are. */
  isIdle(id: number): boolean {
    return id % 2 === 0 || id > this.#lastId;
  }

  /** Marks a number, and all below, as used. */
  use(id: number): void {
    this.#lastId = id;
  }

  /** Takes a stream in. */
  add(stream: StreamState): void {
    this.#lastId = stream.id;
    this.#streams.set(stream.id, stream);
  }

  /** Forgets a stream. */
  remove(stream: StreamState): void {
    this.#streams.delete(stream.id);
  }
}

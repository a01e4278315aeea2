/**
 * A connection as what a tunnel is made of, without a closure for each of its methods: ten thousand may be idle.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { DuplexTunnelOptions } from "./duplex_tunnel.ts";

/** What a tunnel wants to know of its connection. */
export class Link implements DuplexTunnelOptions {
  readonly initial: Uint8Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #connection: Connection;

  /** `initial` came along with the answer's head; `signal` breaks the tunnel off. */
  constructor(
    connection: Connection,
    initial: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#connection = connection;
    this.initial = initial;
    this.signal = signal;
  }

  endedInOrder(): boolean {
    return this.#connection.endedInOrder();
  }

  reset(): void {
    this.#connection.reset();
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }
}

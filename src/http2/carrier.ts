/**
 * What carries an HTTP/2 connection: bytes in both directions, whatever they go through.
 *
 * This room is HTTP/2 on streams and sockets, for both ends of the protocol: `connection` lets a machine of `masque/h2` speak through a carrier,
 * `stream` is one of its streams as a duplex, `socket_carrier` and `conn_carrier` are the carriers there are. Never here: who connects to whom, what
 * a request means, and the rules of the protocol, which `masque/h2` has.
 *
 * @module
 */

/** Bytes there and back. Reading never pauses: the windows of HTTP/2 bound what comes. */
export interface Carrier {
  /** Hands over what comes, in memory that is the taker's from then on. Settles, with nothing said, when no more will come; asked once. */
  receive(take: (bytes: Uint8Array<ArrayBuffer>) => void): Promise<void>;
  /** Sends, and calls `done` when the memory may be used again and more may be sent; one at a time. An error is followed by the end of {@linkcode receive}. */
  send(bytes: Uint8Array<ArrayBuffer>, done: (error?: unknown) => void): void;
  /** Closes behind what was sent. */
  close(): void;
  /** Closes at once, whatever is under way. Twice does nothing. */
  destroy(): void;
}

/**
 * A connection to a proxy or an origin, in the clear or in TLS, behind one face.
 *
 * @module
 */

import type * as net from "node:net";
import type * as tls from "node:tls";

/** A connection that stands: bytes go through `socket`, and what a socket means differently in the clear and in TLS is said here. */
export interface Connection {
  /** Read its `data`, `end` and `close`; leave its own `pause` and `resume` alone. */
  readonly socket: net.Socket;
  /** Stops reading from the network; a bounded rest may still come. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Breaks it off with a RST. */
  reset(): void;
  /** Asked when the socket says `end`: whether the peer said so. */
  endedInOrder(): boolean;
  /** Bytes received so far, ciphertext in TLS. */
  received(): number;
  /** What broke it, if it broke with a word. */
  failure(): Error | undefined;
  /** Our end's and the proxy's address; absent inside another tunnel. */
  readonly localAddress?: string;
  readonly remoteAddress?: string;
}

/** A connection in the clear over `socket`; or in TLS, for HTTP/2, which leans on none of these. */
export function overSocket(socket: net.Socket): Connection {
  return new SocketConnection(socket);
}

/** Ten thousand of them may be idle, so what can be asked of the socket is not kept. */
class SocketConnection implements Connection {
  readonly socket: net.Socket;
  #failure: Error | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("error", (error) => this.#failure ??= error);
  }

  failure(): Error | undefined {
    return this.#failure;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  reset(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    if ("encrypted" in socket) socket.destroy();
    else socket.resetAndDestroy();
  }

  endedInOrder(): boolean {
    return !this.socket.destroyed;
  }

  // Others hand this one on by itself.
  readonly received = (): number => this.socket.bytesRead;

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }
}

/** Remembers the first error of a socket. */
export function failureOf(socket: net.Socket): () => Error | undefined {
  let failure: Error | undefined;
  socket.on("error", (error) => failure ??= error);
  return () => failure;
}

/** The ALPN name that TLS agreed on; `undefined` in the clear or without agreement. */
export function alpnOf({ socket }: Connection): string | undefined {
  return (socket as tls.TLSSocket).alpnProtocol || undefined;
}

/**
 * A `node:stream` duplex as a carrier: a socket, TLS, or a tunnel.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import type { Carrier } from "./carrier.ts";

/** Takes `socket` over. Half a connection is of no use to HTTP/2, so an end of input is the end. */
export function socketCarrier(socket: Duplex): Carrier {
  return {
    receive: (take) =>
      new Promise((resolve) => {
        // A turn later: what broke TLS may be said only behind `close`.
        const over = () => void setImmediate(resolve);
        if (socket.closed) return over();
        socket.on("error", () => {}); // `close` follows
        socket.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
          take(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
        });
        socket.once("end", () => void setImmediate(() => socket.destroy()));
        socket.once("close", over);
      }),
    send: (bytes, done) => void socket.write(bytes, done),
    close: () => void socket.end(() => socket.destroy()),
    destroy: () => void socket.destroy(),
  };
}

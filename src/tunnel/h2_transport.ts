/**
 * What `node:http2` runs over: a connection without its GOAWAY frames, which it must not read (see `masque/h2_goaway.ts`).
 *
 * @module
 */

import { Duplex } from "node:stream";
import { type Goaway, GoawayFilter } from "../masque/h2_goaway.ts";
import type { Connection } from "./connection.ts";

/** Bytes that may wait on either side of HTTP/2: four reads of a socket. */
const BUFFER_BYTES = 1 << 18;

/** A duplex for `http2.connect`, and what HTTP/2 itself does not tell. */
export interface H2Transport {
  readonly duplex: Duplex;
  /** Grows with every byte received. */
  received(): number;
}

/** Puts a transport onto a connection. `onGoaway` may be called more than once: servers warn first (RFC 9113, section 6.8). */
export function h2Transport(
  connection: Connection,
  onGoaway: (goaway: Goaway) => void,
): H2Transport {
  const { socket } = connection;
  const filter = new GoawayFilter(onGoaway);
  let received = 0;
  const duplex = new Duplex({
    readableHighWaterMark: BUFFER_BYTES,
    writableHighWaterMark: BUFFER_BYTES,
    read: () => connection.resume(),
    write: (bytes, _encoding, done) => void socket.write(bytes, done),
    writev: (parts, done) => {
      socket.cork();
      parts.forEach(({ chunk }, i) => {
        socket.write(chunk, i === parts.length - 1 ? done : undefined);
      });
      socket.uncork();
    },
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (bytes: Uint8Array<ArrayBuffer>) => {
    received += bytes.length;
    let room = true;
    filter.push(bytes, (piece) => room = duplex.push(piece));
    if (!room) connection.pause();
  });
  socket.once("end", () => duplex.push(null));
  socket.once("close", () => duplex.destroy());
  socket.on("error", (error) => duplex.destroy(error));
  duplex.on("error", () => {}); // the session tells
  return { duplex, received: () => received };
}

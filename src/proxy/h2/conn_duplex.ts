/**
 * A connection of Deno's as a stream of Node's, for `node:http2`: it lets one listener serve HTTP/1.1 on the fast road and
 * HTTP/2 beside it.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { closeQuietly, writeAll } from "../relay/pump.ts";

/** Memory is taken in slabs: a TLS record is 16 KiB at most, and clearing 64 KiB for each one would cost more than moving it. */
const SLAB_BYTES = 256 * 1024;
/** The least room worth a read: a TLS record. */
const MIN_READ_BYTES = 16 * 1024;

/** Wraps `conn`; `early` has been read from it already and comes first. An end of input ends the whole, as it does for HTTP/2. */
export function connDuplex(conn: Deno.Conn, early: Uint8Array): Duplex {
  let slab = new Uint8Array(SLAB_BYTES);
  const readInto = async (duplex: Duplex) => {
    if (slab.length < MIN_READ_BYTES) slab = new Uint8Array(SLAB_BYTES);
    try {
      const count = await conn.read(slab);
      if (count === null) return void duplex.destroy();
      const chunk = slab.subarray(0, count);
      slab = slab.subarray(count);
      duplex.push(chunk);
    } catch (error) {
      duplex.destroy(error instanceof Error ? error : undefined);
    }
  };
  const duplex: Duplex = new Duplex({
    highWaterMark: SLAB_BYTES,
    read() {
      void readInto(this);
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(conn, chunk).then(() => done(), done);
    },
    final(done) {
      conn.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      closeQuietly(conn);
      done(error);
    },
  });
  duplex.on("error", () => {}); // the session hears of it by itself
  if (early.length > 0) duplex.unshift(early);
  return duplex;
}

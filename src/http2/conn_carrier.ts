/**
 * A connection of Deno's own as a carrier: in the same run they carried 1.4 times as much as those of `node:net`.
 *
 * @module
 */

import type { Carrier } from "./carrier.ts";

/**
 * Memory for reading, cut off piece by piece, because whoever takes a piece keeps it: little for a connection that says little, and a slab of
 * four TLS records for a busy one. Slabs of 256 KiB cost twice the processor time in all: the C library maps and unmaps what is above 128.
 */
const SLAB_BYTES = { idle: 16_384, busy: 65_536 } as const;

/** The part of a slab that is not worth a read: of a busy one, what is shorter than a TLS record. */
const REST_SHARE = 1 / 4;

/** Takes `conn` over; `early` has been read from it already and comes first. */
export function connCarrier(conn: Deno.Conn, early: Uint8Array<ArrayBuffer>): Carrier {
  const destroy = () => {
    try {
      conn.close();
    } catch {
      // It is closed, which is all that was asked for.
    }
  };
  return {
    receive: async (take) => {
      await undefined; // whoever asks gets to see the connection first
      if (early.length > 0) take(early);
      let slab = new Uint8Array(SLAB_BYTES.idle);
      try {
        for (;;) {
          const count = await conn.read(slab);
          if (count === null) return;
          const isFull = count === slab.length;
          take(slab.subarray(0, count));
          slab = slab.subarray(count);
          if (isFull) slab = new Uint8Array(SLAB_BYTES.busy);
          else if (slab.length < slab.buffer.byteLength * REST_SHARE) {
            slab = new Uint8Array(slab.buffer.byteLength);
          }
        }
      } catch {
        // It broke, and nothing more will come.
      }
    },
    send: (bytes, done) =>
      void writeAll(conn, bytes).then(() => done(), (error) => {
        destroy();
        done(error);
      }),
    close: () => void conn.closeWrite().then(destroy, destroy),
    destroy,
  };
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

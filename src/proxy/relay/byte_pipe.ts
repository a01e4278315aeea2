/**
 * A client's two directions, whatever carries them: what capsules run over.
 *
 * @module
 */

import { RELAY_BUFFER_BYTES } from "../limits.ts";
import { closeQuietly, writeAll } from "./pump.ts";
import { resetConn } from "../../sockets/tcp_descriptor.ts";
import type { CapsuleTransport } from "./capsule_stream.ts";

/** Bytes of a client, and bytes for it. */
export interface BytePipe {
  /** The next bytes, which are the pipe's again at the next read; null after the client's end. Rejects when the client broke off. */
  read(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Writes, and owns the bytes from then on. Settles when more may be written. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Ends our direction in order. */
  end(): Promise<void>;
  /** Lets go of what is left, once both directions have ended or nobody cares. Twice does nothing. */
  close(): void;
  /** Breaks both directions off, so that the client does not take what it has for the whole. After a close it does nothing. */
  reset(): void;
}

/** A whole connection. `early` has been read from it already and comes first. */
export function connPipe(conn: Deno.Conn, early: Uint8Array<ArrayBuffer>): BytePipe {
  let first = early.length > 0 ? early : undefined;
  let buffer = new Uint8Array(RELAY_BUFFER_BYTES.idle);
  let isFull = false;
  return {
    async read() {
      if (first !== undefined) {
        const bytes = first;
        first = undefined;
        return bytes;
      }
      if (isFull && buffer.length < RELAY_BUFFER_BYTES.busy) {
        buffer = new Uint8Array(RELAY_BUFFER_BYTES.busy);
      }
      const count = await conn.read(buffer);
      if (count === null) return null;
      isFull = count === buffer.length;
      return buffer.subarray(0, count);
    },
    write: (bytes) => writeAll(conn, bytes),
    end: () => conn.closeWrite(),
    close: () => closeQuietly(conn),
    reset: () => resetConn(conn),
  };
}

/** A pipe for what never waits. Its end is the end of the whole. */
export function pipeTransport(pipe: BytePipe): CapsuleTransport {
  return {
    // A write that fails is followed by a read that fails, which ends the tunnel.
    write: (bytes, done) => void pipe.write(bytes).then(done, () => pipe.close()),
    end: () => void pipe.end().catch(() => {}).finally(() => pipe.close()),
    reset: () => pipe.reset(),
  };
}

/**
 * Bytes from one connection to another. The kernel's socket buffers are the only queue: what was read is written before more is
 * read, so a slow reader slows the writer at the other end.
 *
 * Deno's own connections, and not those of `node:net`: in the same run they carried 1.4 times as much for two thirds of the processor time.
 * They cannot send a RST, so the kernel is asked for it (`sockets/tcp_descriptor.ts`): a reset on one side is one on the other.
 *
 * @module
 */

import { resetConn } from "../../sockets/tcp_descriptor.ts";
import { nextBufferBytes, RELAY_BUFFER_BYTES } from "../limits.ts";

/** A connection to an origin: a socket, or what behaves as one, and is reset by a close before both of its directions have ended. */
export type Origin = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

/** Writes all of `bytes`. */
export async function writeAll(to: Pick<Deno.Conn, "write">, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** Joins two connections until both directions have ended, and closes them. Never rejects. */
export async function relay(a: Origin, b: Origin): Promise<void> {
  try {
    await Promise.all([pump(a, b), pump(b, a)]);
    closeQuietly(a);
    closeQuietly(b);
  } catch {
    // One side broke off: neither may take what it has for the whole.
    resetOrigin(a);
    resetOrigin(b);
  }
}

/** Carries one direction, and its FIN. */
async function pump(from: Origin, to: Origin): Promise<void> {
  let buffer = new Uint8Array(RELAY_BUFFER_BYTES.idle);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) break;
    await writeAll(to, buffer.subarray(0, count));
    const size = nextBufferBytes(buffer.length, count);
    if (size !== buffer.length) buffer = new Uint8Array(size);
  }
  await to.closeWrite();
}

/** Breaks a connection off, so that the peer does not take what it has for the whole. It may be closed already. */
export function resetOrigin(conn: Origin): void {
  if ("localAddr" in conn) resetConn(conn as Deno.Conn);
  else closeQuietly(conn);
}

/** Closes a connection that may be closed already. */
export function closeQuietly(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // It is closed, which is all that was asked for.
  }
}

/**
 * Bytes between an origin and a stream of a client's connection, HTTP/3's. Neither side gets more than the other one takes, an end passes as an
 * end, and a reset as a reset.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { resetConn } from "../sockets/tcp_descriptor.ts";
import { RELAY_BUFFER_BYTES } from "./limits.ts";
import { closeQuietly, writeAll } from "./pump.ts";

/** Joins the two until both directions have ended, and closes them. Never rejects. */
export async function relayDuplex(stream: Duplex, origin: Deno.Conn): Promise<void> {
  let isWhole = false;
  // Also where nobody reads or writes for the moment, so that nobody else would notice.
  const cut = () => isWhole || resetConn(origin);
  if (stream.destroyed) return cut() as void;
  stream.once("close", cut);
  try {
    await Promise.all([outbound(stream, origin), inbound(origin, stream)]);
    isWhole = true;
    closeQuietly(origin);
  } catch {
    stream.destroy(new Error("the origin broke the connection off"));
    resetConn(origin);
  }
}

async function outbound(stream: Duplex, origin: Deno.Conn): Promise<void> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    await writeAll(origin, chunk);
  }
  await origin.closeWrite();
}

async function inbound(origin: Deno.Conn, stream: Duplex): Promise<void> {
  let size = RELAY_BUFFER_BYTES.idle;
  for (;;) {
    const buffer = new Uint8Array(size); // a new one each time: the stream keeps it until it is sent
    const count = await origin.read(buffer);
    if (count === null) break;
    if (count === size) size = RELAY_BUFFER_BYTES.busy;
    if (!stream.write(buffer.subarray(0, count))) await drained(stream);
  }
  await new Promise<void>((resolve, reject) => {
    stream.once("close", () => stream.writableFinished || reject(new Error("the stream broke")));
    stream.end(resolve);
  });
}

/** Settles when the stream takes more, or will never take any. */
function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      stream.off("drain", settle);
      stream.off("close", settle);
      if (stream.destroyed) reject(new Error("the stream broke"));
      else resolve();
    };
    if (stream.destroyed) return settle();
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

/**
 * Bytes between an origin and a stream of a client's connection, HTTP/3's. Neither side gets more than the other one takes, an end passes as an
 * end, and a reset as a reset.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { drained } from "./duplex_pipe.ts";
import { nextBufferBytes, RELAY_BUFFER_BYTES } from "../limits.ts";
import { closeQuietly, type Origin, resetOrigin, writeAll } from "./pump.ts";

/** Joins the two until both directions have ended, and closes them. Never rejects. */
export async function relayDuplex(stream: Duplex, origin: Origin): Promise<void> {
  let isWhole = false;
  // Also where nobody reads or writes for the moment, so that nobody else would notice.
  const cut = () => isWhole || resetOrigin(origin);
  if (stream.destroyed) return cut() as void;
  stream.once("close", cut);
  try {
    await Promise.all([outbound(stream, origin), inbound(origin, stream)]);
    isWhole = true;
    closeQuietly(origin);
  } catch {
    stream.destroy(new Error("the origin broke the connection off"));
    resetOrigin(origin);
  }
}

async function outbound(stream: Duplex, origin: Origin): Promise<void> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    await writeAll(origin, chunk);
  }
  await origin.closeWrite();
}

async function inbound(origin: Origin, stream: Duplex): Promise<void> {
  let size = RELAY_BUFFER_BYTES.idle;
  for (;;) {
    const buffer = new Uint8Array(size); // a new one each time: the stream keeps it until it is sent
    const count = await origin.read(buffer);
    if (count === null) break;
    size = nextBufferBytes(size, count);
    if (!stream.write(buffer.subarray(0, count))) await drained(stream);
  }
  await new Promise<void>((resolve, reject) => {
    stream.once("close", () => stream.writableFinished || reject(new Error("the stream broke")));
    stream.end(resolve);
  });
}

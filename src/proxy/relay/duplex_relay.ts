/**
 * Bytes between an origin and a stream of a client's connection, HTTP/3's. Neither side gets more than the other one takes, an end passes as an
 * end, and a reset as a reset.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { RELAY_BUFFER_BYTES } from "../limits.ts";
import { closeQuietly, type Origin, resetOrigin, writeAll } from "./pump.ts";

/** A busy flow's buffers: with a frame's header before it, what was read is still one write of 64 KiB, which is what the runtime's TLS takes at once. */
const BUSY_BYTES = RELAY_BUFFER_BYTES.busy - 64;

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
  let buffer = new Uint8Array(RELAY_BUFFER_BYTES.idle);
  /** The other one of a busy flow: one leaves while the other one is read into. */
  let other: typeof buffer | undefined;
  let hasLeft = Promise.resolve();
  for (;;) {
    const count = await origin.read(buffer);
    if (count === null) break;
    await hasLeft;
    if (stream.destroyed) throw new Error("the stream broke");
    hasLeft = write(stream, buffer.subarray(0, count));
    if (count === buffer.length) {
      const next = other ?? new Uint8Array(BUSY_BYTES);
      other = buffer.length === BUSY_BYTES ? buffer : undefined;
      buffer = next;
      continue;
    }
    await hasLeft;
    if (count >= RELAY_BUFFER_BYTES.idle || buffer.length === RELAY_BUFFER_BYTES.idle) continue;
    buffer = new Uint8Array(RELAY_BUFFER_BYTES.idle); // as `nextBufferBytes` has it: the flow has become quiet
    other = undefined;
  }
  await new Promise<void>((resolve, reject) => {
    stream.once("close", () => stream.writableFinished || reject(new Error("the stream broke")));
    stream.end(resolve);
  });
}

/** Settles when the memory of `bytes` may be used again, or the stream has closed. */
function write(stream: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => void stream.write(bytes, () => resolve()));
}

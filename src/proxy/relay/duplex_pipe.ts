/**
 * A stream of HTTP/2 or HTTP/3 as a pipe.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import type { BytePipe } from "./byte_pipe.ts";

/** What a stream cannot say by itself. */
export interface StreamWays {
  /** Asked at the end: whether the client broke off. */
  isBroken(): boolean;
  /** Lets go of a stream that has ended on our side. */
  close(): void;
  /** Breaks it off, so that the client sees no end before. */
  reset(): void;
}

/** The stream of a request whose answer will have been sent before the first write. */
export function duplexPipe(stream: Duplex, { isBroken, close, reset }: StreamWays): BytePipe {
  const chunks = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  return {
    async read() {
      const { done, value } = await chunks.next();
      if (!done) return new Uint8Array(value.buffer, value.byteOffset, value.length);
      if (isBroken()) throw new Error("The client broke off");
      return null;
    },
    async write(bytes) {
      if (stream.destroyed) throw new Error("The stream has ended");
      if (!stream.write(bytes)) await drained(stream);
    },
    end: () => Promise.resolve(void stream.end()),
    close: () => stream.destroyed || close(),
    reset: () => stream.destroyed || reset(),
  };
}

/** Settles when the stream takes more, or will never take any. */
export function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      stream.off("drain", settle);
      stream.off("close", settle);
      if (stream.destroyed) reject(new Error("The stream has ended"));
      else resolve();
    };
    if (stream.destroyed) return settle();
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

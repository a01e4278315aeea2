/**
 * The bodies of an HTTP/1.1 request and its response as one pipe: both in the chunked transfer coding.
 *
 * @module
 */

import { ChunkedDecoder, encodeChunk, LAST_CHUNK } from "../../masque/chunked.ts";
import type { BytePipe } from "../relay/byte_pipe.ts";

/** Unwraps the body that comes through `pipe` and wraps the one that leaves. */
export function chunkedPipe(pipe: BytePipe): BytePipe {
  const decoder = new ChunkedDecoder();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  return {
    async read() {
      for (;;) {
        const part = parts.shift();
        if (part !== undefined) return part;
        if (decoder.isOver) return null;
        const bytes = await pipe.read();
        if (bytes === null) throw new Error("The request was cut off");
        const fault = decoder.push(bytes, (part) => void parts.push(part));
        if (fault !== undefined) throw new Error(`The request is malformed: ${fault}`);
      }
    },
    write: (bytes) => bytes.length > 0 ? pipe.write(encodeChunk(bytes)) : Promise.resolve(),
    end: () => pipe.write(LAST_CHUNK.slice()),
    close: () => pipe.close(),
    reset: () => pipe.reset(),
  };
}

/**
 * The bodies of a `Request` and of its `Response` as one pipe.
 *
 * @module
 */

import { writtenBody } from "../../written_body.ts";
import type { BytePipe } from "../relay/byte_pipe.ts";

/** A pipe, and the body to answer with. */
export interface BodyPipe {
  readonly pipe: BytePipe;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Joins the body of a request to one that is made here; `onGone` hears that nobody reads that one any more. */
export function bodyPipe(
  request: ReadableStream<Uint8Array<ArrayBuffer>>,
  onGone: () => void,
): BodyPipe {
  const reader = request.getReader();
  const { readable, writable } = writtenBody(onGone);
  const writer = writable.getWriter();
  writer.closed.catch(() => {}); // the next write tells
  const letGo = () => void reader.cancel().catch(() => {});
  const pipe: BytePipe = {
    read: async () => (await reader.read()).value ?? null,
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
    close() {
      // A body that still waits for its reader must come to its end, so it is not aborted.
      writer.close().catch(() => {});
      letGo();
    },
    reset() {
      writer.abort(new Error("The tunnel broke off")).catch(() => {});
      letGo(); // Deno ends the connection only when nobody reads the request any more
    },
  };
  return { pipe, body: readable };
}

/**
 * DNS over a stream, served: SHELL around the pure responder (RFC 7766).
 *
 * @module
 */

import { frameMessage, MessageSplitter } from "./stream.ts";

/** Queries are small; one longer than this is no query (RFC 7766 allows 65,535, for answers). */
const MAX_QUERY_BYTES = 4096;

/** Both directions of a connection to the resolver. */
export interface DnsStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Answers each query of the stream in turn, until it ends. Bytes that are no DNS, and a client that breaks off,
 * end it with a reset. Never rejects.
 */
export async function serveStream(
  stream: DnsStream,
  answer: (query: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  const splitter = new MessageSplitter(MAX_QUERY_BYTES);
  const writer = stream.writable.getWriter();
  try {
    for await (const chunk of stream.readable) {
      const queries = splitter.push(chunk);
      if (typeof queries === "string") throw new Error(`Cannot follow a DNS stream: ${queries}`);
      for (const query of queries) {
        const found = answer(query);
        if (found !== undefined) await writer.write(frameMessage(found));
      }
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
  }
}

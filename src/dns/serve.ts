/**
 * DNS over a stream, served: SHELL around whoever answers (RFC 7766).
 *
 * @module
 */

import { frameMessage, MessageSplitter } from "./stream.ts";

/** Queries are small; one longer than this is no query (RFC 7766 allows 65,535, for answers). */
const MAX_QUERY_BYTES = 4096;

/**
 * Queries of one stream that are under way at once. Answers leave as they come (RFC 7766, section 6.2.1.1); with so many missing,
 * the stream is not read any further.
 */
const MAX_QUERIES = 32;

/** Both directions of a connection that carries DNS. */
export interface DnsStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
}

/** Answers a query, at once or later; undefined for what stays unanswered. Must not reject. */
export type Answer = (
  query: Uint8Array,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/**
 * Answers each query of the stream, until it ends. Bytes that are no DNS, and a client that breaks off, end it with a reset.
 * Never rejects.
 */
export async function serveStream(stream: DnsStream, answer: Answer): Promise<void> {
  const splitter = new MessageSplitter(MAX_QUERY_BYTES);
  const writer = stream.writable.getWriter();
  const asked = new Set<Promise<void>>();
  let failure: unknown;
  const take = async (query: Uint8Array) => {
    const found = await answer(query);
    if (found !== undefined) await writer.write(frameMessage(found));
  };
  try {
    for await (const chunk of stream.readable) {
      const queries = splitter.push(chunk);
      if (typeof queries === "string") throw new Error(`Cannot follow a DNS stream: ${queries}`);
      for (const query of queries) {
        const taken = take(query).catch((error) => void (failure = error))
          .finally(() => asked.delete(taken));
        asked.add(taken);
        if (asked.size >= MAX_QUERIES) await Promise.race(asked);
      }
      if (failure !== undefined) throw failure;
    }
    await Promise.all(asked);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
  }
}

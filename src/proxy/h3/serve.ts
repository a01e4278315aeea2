/**
 * CONNECT and CONNECT-UDP over HTTP/3 (RFC 9114, section 4.4; RFC 9220; RFC 9298).
 *
 * @module
 */

import { H3Connection } from "../../http3/connection.ts";
import type { H3Stream, TakeHead } from "../../http3/stream.ts";
import type { RequestHead } from "../../masque/fields/message.ts";
import { ERROR } from "../../masque/h3/codes.ts";
import { readRequest } from "../../masque/h3/message.ts";
import { serveRequest, type StreamOptions } from "../streams/serve.ts";

/** A connection that is served. */
export interface Http3Connection {
  /** Settles when it has ended and nothing of its streams is left, no socket either. */
  readonly closed: Promise<void>;
  /** Ends it, and breaks off what is open. */
  close(): void;
}

/** Serves HTTP/3 on a connection whose handshake is done. */
export function serveHttp3(conn: Deno.QuicConn, options: StreamOptions): Http3Connection {
  const { limits } = options;
  const served = new Set<Promise<void>>();
  let nextId = 0;
  let idle: ReturnType<typeof setTimeout>;
  const watch = () => {
    idle = setTimeout(() => {
      connection.sendGoaway(nextId);
      connection.close();
    }, limits.idleTimeoutMs);
  };
  const connection: H3Connection = new H3Connection(conn, {
    side: "server",
    maxHeadBytes: limits.headBytes,
    connectProtocol: true,
    onHeld: () => connection.sendGoaway(nextId),
    onRequest(open) {
      clearTimeout(idle);
      const serving = serveStream(open, options, (id) => nextId = Math.max(nextId, id + 4))
        .finally(() => {
          served.delete(serving);
          if (served.size === 0 && !connection.isOver) watch();
        });
      served.add(serving);
    },
  });
  watch();
  const closed = connection.closed.then(async () => {
    clearTimeout(idle);
    await Promise.allSettled(served);
  });
  return { closed, close: () => connection.close() };
}

async function serveStream(
  open: (takeHead: TakeHead) => H3Stream,
  options: StreamOptions,
  opened: (id: number) => void,
): Promise<void> {
  let request: RequestHead | undefined;
  const stream = open((fields) => {
    const read = readRequest(fields);
    if ("code" in read) return read;
    request = read;
    return read.method === "CONNECT" ? "tunnel" : "content";
  });
  opened(stream.id);
  const timer = setTimeout(() => stream.breakOff("no head came"), options.limits.headTimeoutMs);
  try {
    await stream.head;
  } catch {
    return; // broken off, or not to be understood
  } finally {
    clearTimeout(timer);
  }
  await serveRequest(stream, request!, options);
}

/** The code of a connection that has no place here. */
export const TOO_MANY_CONNECTIONS: number = ERROR.EXCESSIVE_LOAD;

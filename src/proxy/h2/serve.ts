/**
 * CONNECT and CONNECT-UDP over HTTP/2 (RFC 9113, section 8.5; RFC 8441; RFC 9298): a stream is a tunnel, END_STREAM is FIN, RST_STREAM is RST.
 *
 * @module
 */

import type { Carrier } from "../../http2/carrier.ts";
import { H2Connection } from "../../http2/connection.ts";
import type { H2Stream, TakeHead } from "../../http2/stream.ts";
import { readRequestHead, type RequestHead } from "../../masque/fields/message.ts";
import type { ProxyLimits } from "../limits.ts";
import { serveRequest, type StreamOptions } from "../streams/serve.ts";

/** Larger frames mean fewer turns: the default of 16 KiB is a floor (RFC 9113, section 6.5.2). */
const MAX_FRAME_BYTES = 64 * 1024;

/**
 * Serves HTTP/2 on a connection whose preface has not been consumed. Settles when the connection has ended and nothing of its streams is left,
 * no socket either; never rejects.
 */
export async function serveHttp2(carrier: Carrier, options: StreamOptions): Promise<void> {
  const { limits } = options;
  const served = new Set<Promise<void>>();
  let idle: ReturnType<typeof setTimeout>;
  const watch = () => idle = setTimeout(() => connection.close(), limits.idleTimeoutMs);
  const connection: H2Connection = new H2Connection(carrier, {
    side: "server",
    settings: settingsOf(limits),
    windowBytes: limits.connectionWindowBytes,
    maxHeadBytes: limits.headBytes,
    onRequest(open) {
      clearTimeout(idle);
      const serving = serveStream(open, options).finally(() => {
        served.delete(serving);
        if (served.size === 0 && !connection.isOver) watch();
      });
      served.add(serving);
    },
  });
  watch();
  await connection.closed;
  clearTimeout(idle!);
  await Promise.allSettled(served);
}

function settingsOf(limits: ProxyLimits) {
  return {
    maxConcurrentStreams: limits.streamsPerConnection,
    initialWindowBytes: limits.streamWindowBytes,
    maxFrameBytes: MAX_FRAME_BYTES,
    maxHeaderListBytes: limits.headBytes,
    connectProtocol: true,
  };
}

async function serveStream(
  open: (takeHead: TakeHead) => H2Stream,
  options: StreamOptions,
): Promise<void> {
  let request: RequestHead | undefined;
  const stream = open((fields) => {
    const read = readRequestHead(fields);
    if (typeof read === "string") return { malformed: read };
    request = read;
    return read.method === "CONNECT" ? "tunnel" : "content";
  });
  try {
    await stream.answered;
  } catch {
    return; // not to be understood
  }
  await serveRequest(stream, request!, options);
}

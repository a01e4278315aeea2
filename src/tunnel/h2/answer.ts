/**
 * The head of an answer on an HTTP/2 stream, and how that stream ends and breaks.
 *
 * @module
 */

import type * as http2 from "node:http2";
import type { Answered } from "../answer.ts";

/** What came on `stream`; aborting `breaker` resets it. */
export function answeredOn(
  stream: http2.ClientHttp2Stream,
  head: http2.IncomingHttpHeaders,
  breaker: AbortController,
  signal: AbortSignal,
): Answered {
  const headers = new Headers();
  for (const [name, value] of Object.entries(head)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return {
    status: Number(head[":status"]),
    headers,
    duplex: stream,
    options: {
      endedInOrder: () => !stream.destroyed && !stream.rstCode,
      reset: () => breaker.abort(),
      signal,
    },
  };
}

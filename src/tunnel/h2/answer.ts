/**
 * The head of an answer on an HTTP/2 stream, and how that stream ends and breaks.
 *
 * @module
 */

import type { H2Stream } from "../../http2/stream.ts";
import type { ResponseHead } from "../../masque/fields/message.ts";
import type { Answered } from "../answer.ts";

/** What came on `stream`. */
export function answeredOn(
  stream: H2Stream,
  { status, fields }: ResponseHead,
  signal: AbortSignal,
): Answered {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const { duplex } = stream;
  return {
    status,
    headers,
    duplex,
    options: {
      endedInOrder: () => true, // a stream that breaks says `close`, and no `end`
      reset: () => void duplex.destroy(),
      signal,
    },
  };
}

/**
 * What a request and a response are to both versions of HTTP towards an origin.
 *
 * @module
 */

import type { Readable, Writable } from "node:stream";
import { plain } from "../duplex/duplex_tunnel.ts";

/** A request, ready to be sent. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Null for none. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** Statuses without a body, whose `Response` must have none either (Fetch, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Sends a body to its end. Rejects when the body fails or `to` breaks. */
export async function sendBody(body: OutgoingRequest["body"], to: Writable): Promise<void> {
  if (body !== null) {
    for await (const chunk of body) {
      await new Promise<void>((resolve, reject) => {
        to.write(chunk, (error) => error ? reject(error) : resolve());
      });
    }
  }
  to.end();
}

/** How the rest of a response is read. */
export interface IncomingBody {
  readonly source: Readable;
  /** Asked at the end: whether the peer ended it, and it was not cut off. */
  readonly isWhole: () => boolean;
  /** Nobody wants the rest. */
  readonly cancel: () => void;
}

/** A `Response` to `request`. Call it in the very turn in which the head came, or bytes may go by. */
export function toResponse(
  request: OutgoingRequest,
  status: number,
  headers: Headers,
  body: IncomingBody,
): Response {
  const hasBody = request.method !== "HEAD" && !NULL_BODY.has(status);
  if (!hasBody) body.source.resume();
  const response = new Response(hasBody ? bodyStream(body) : null, { status, headers });
  // A `Response` that was made by hand has no URL, and a library may look at it.
  return Object.defineProperty(response, "url", { value: request.url.href });
}

/** The fields of a response, as `node:http` hands them out. */
export function toHeaders(
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of typeof value === "string" ? [value] : value) headers.append(name, one);
  }
  return headers;
}

/** By hand, because `Readable.toWeb` takes a body that was cut off for a whole one. */
function bodyStream({ source, isWhole, cancel }: IncomingBody): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream({
    start(controller) {
      const end = () => {
        if (isOver) return;
        isOver = true;
        if (isWhole()) controller.close();
        else controller.error(new TypeError("The body of the response was cut off"));
      };
      source.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        if (isOver) return;
        controller.enqueue(plain(chunk));
        if (controller.desiredSize! <= 0) source.pause();
      });
      source.once("end", end).once("close", end).on("error", end);
    },
    pull: () => void source.resume(),
    cancel() {
      isOver = true;
      cancel();
    },
  });
}

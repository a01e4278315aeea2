/**
 * HTTP/1.1 towards an origin: one connection for each request, which is then closed.
 *
 * @module
 */

import * as http from "node:http";
import type { Socket } from "node:net";
import { type OutgoingRequest, sendBody, toHeaders, toResponse } from "./message.ts";
import type { OriginConnection } from "./origin.ts";

/** Sends `request` and resolves with the head of the response; the connection ends with the body. */
export function requestOverH1(
  connection: OriginConnection,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { method, url, headers, body } = request;
  const fields: Record<string, string> = { host: url.host, connection: "close" };
  for (const [name, value] of headers) fields[name] = value;
  return new Promise((resolve, reject) => {
    const close = () => void connection.close();
    const abort = () => fail(signal.reason);
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      close();
      reject(error);
    };
    const outgoing = http.request({
      createConnection: () => connection.stream as Socket,
      method,
      path: url.pathname + url.search,
      headers: fields,
      setHost: false,
    });
    outgoing.once("response", (incoming) => {
      incoming.once("close", () => {
        signal.removeEventListener("abort", abort);
        close();
      });
      const status = incoming.statusCode!;
      const isWhole = () => incoming.complete;
      const received = toHeaders(incoming.headers);
      resolve(toResponse(request, status, received, { source: incoming, isWhole, cancel: close }));
    });
    outgoing.on("error", fail);
    connection.stream.once("close", () => fail(new Error("the connection was closed")));
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else sendBody(body, outgoing).catch(fail);
  });
}

/**
 * One HTTP/2 connection to an origin, through a tunnel: many requests, each a stream.
 *
 * @module
 */

import * as http2 from "node:http2";
import type { Socket } from "node:net";
import { deferTeardown } from "../../http2_session.ts";
import { type OutgoingRequest, sendBody, toHeaders, toResponse } from "./message.ts";
import { KeepAlive } from "../keep_alive.ts";
import type { OriginConnection } from "./origin.ts";

/** A browser keeps an idle connection for some minutes; ours holds a place at the proxy, so it goes earlier. */
const IDLE_TIMEOUT_MS = 60_000;

/** With requests under way, silence for so long raises the question whether the connection lives. */
const PING_IDLE_MS = 3_000;
/** And further silence for so long answers it. */
const PING_WAIT_MS = 2_000;

/** Fields that belong to HTTP/1.1 alone (RFC 9113, section 8.2.2); `host` is the authority. */
const FOREIGN: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** An HTTP/2 connection that takes requests until it retires. */
export class OriginSession {
  readonly #session: http2.ClientHttp2Session;
  readonly #keepAlive: KeepAlive;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #active = 0;
  #isRetired = false;

  /** Settles when it takes no more requests; those under way go on. */
  readonly retired: Promise<void>;

  /** Speaks HTTP/2 on `connection` with the origin `origin`, and closes it in the end. */
  constructor(connection: OriginConnection, origin: string) {
    const retired = Promise.withResolvers<void>();
    this.retired = retired.promise;
    const session = this.#session = deferTeardown(
      http2.connect(origin, {
        createConnection: () => connection.stream as Socket,
        settings: { enablePush: false },
      }),
    );
    this.#keepAlive = new KeepAlive(
      {
        received: connection.received,
        ask: () => session.destroyed || session.ping(() => {}),
        dead: () => session.destroy(),
      },
      PING_IDLE_MS,
      PING_WAIT_MS,
    );
    const retire = () => {
      this.#isRetired = true;
      retired.resolve();
    };
    session.once("goaway", retire).on("error", retire).once("close", () => {
      retire();
      this.#keepAlive.stop();
      clearTimeout(this.#idleTimer);
      void connection.close();
    });
    connection.stream.once("close", () => session.destroy());
    this.#rest();
  }

  /** Sends `request` and resolves with the head of the response. Rejects with the signal's reason, or when the stream ends without one. */
  async request(request: OutgoingRequest, signal: AbortSignal): Promise<Response> {
    signal.throwIfAborted();
    const breaker = new AbortController();
    const stream = this.#session.request(pseudoHeaders(request), {
      endStream: request.body === null,
      signal: breaker.signal, // the one way to a bare RST_STREAM
    });
    this.#begin();
    return await new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        breaker.abort();
        reject(error);
      };
      const abort = () => fail(signal.reason);
      stream.once("response", (head) => {
        // `end` is emitted also when the session dies, even with code 0.
        const isWhole = () => !stream.rstCode && !this.#session.destroyed;
        const status = Number(head[":status"]);
        const body = { source: stream, isWhole, cancel: () => breaker.abort() };
        resolve(toResponse(request, status, toHeaders(head), body));
      });
      stream.once("close", () => {
        signal.removeEventListener("abort", abort);
        this.#end();
        reject(new Error(`it ended the request (code ${stream.rstCode})`));
      });
      stream.on("error", () => {}); // `close` follows and tells
      signal.addEventListener("abort", abort);
      if (request.body !== null) sendBody(request.body, stream).catch(fail);
    });
  }

  #begin(): void {
    this.#active++;
    clearTimeout(this.#idleTimer);
    this.#keepAlive.start();
  }

  #end(): void {
    if (--this.#active > 0) return;
    this.#keepAlive.stop();
    if (this.#isRetired) this.#session.destroy();
    else this.#rest();
  }

  #rest(): void {
    this.#idleTimer = setTimeout(() => this.#session.destroy(), IDLE_TIMEOUT_MS);
  }
}

function pseudoHeaders({ method, url, headers }: OutgoingRequest): http2.OutgoingHttpHeaders {
  const fields: http2.OutgoingHttpHeaders = Object.create(null);
  fields[":method"] = method;
  fields[":scheme"] = url.protocol.slice(0, -1);
  fields[":authority"] = url.host;
  fields[":path"] = url.pathname + url.search;
  for (const [name, value] of headers) if (!FOREIGN.has(name)) fields[name] = value;
  return fields;
}

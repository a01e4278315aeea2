/**
 * One HTTP/2 connection to an origin, through a tunnel: many requests, each a stream.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { H2Connection } from "../../http2/connection.ts";
import { socketCarrier } from "../../http2/socket_carrier.ts";
import type { H2Stream } from "../../http2/stream.ts";
import type { Field } from "../../masque/fields/field.ts";
import { readResponseHead, type ResponseHead } from "../../masque/fields/message.ts";
import { DEFAULT_SETTINGS } from "../../masque/h2/settings.ts";
import { type OutgoingRequest, sendBody, toResponse } from "./message.ts";
import { KeepAlive } from "../keep_alive.ts";
import type { OriginConnection } from "./origin.ts";

/** What an origin may send of one body before it is read, and of all together. */
const WINDOW_BYTES = { stream: 1 << 20, connection: 1 << 24 } as const;

/** Some origins have much to say about cookies and policies; browsers take four times as much. */
const MAX_HEAD_BYTES = 65_536;

/** Requests that wait for a stream; more of them at one origin are a mistake of the caller's. */
const MAX_WAITING = 4_096;

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
  readonly #connection: H2Connection;
  readonly #keepAlive: KeepAlive;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #active = 0;
  #isRetired = false;
  /** Requests that wait for a stream, as many as the origin allows being open. */
  readonly #waiting = new Set<() => void>();

  /** Settles when it takes no more requests; those under way go on. */
  readonly retired: Promise<void>;

  /** Speaks HTTP/2 on `carrier` with an origin, and closes it in the end. */
  constructor(carrier: OriginConnection) {
    const retired = Promise.withResolvers<void>();
    this.retired = retired.promise;
    const retire = () => {
      this.#isRetired = true;
      retired.resolve();
      this.#admit();
    };
    this.#connection = new H2Connection(socketCarrier(carrier.stream), {
      side: "client",
      settings: { ...DEFAULT_SETTINGS, initialWindowBytes: WINDOW_BYTES.stream },
      windowBytes: WINDOW_BYTES.connection,
      maxHeadBytes: MAX_HEAD_BYTES,
      onSettings: () => this.#admit(),
      onGoaway: retire,
    });
    this.#keepAlive = new KeepAlive(
      {
        received: carrier.received,
        ask: () => this.#connection.ping(),
        dead: () => this.#connection.destroy(),
      },
      PING_IDLE_MS,
      PING_WAIT_MS,
    );
    void this.#connection.closed.then(() => {
      retire();
      this.#keepAlive.stop();
      clearTimeout(this.#idleTimer);
      void carrier.close();
    });
    this.#rest();
  }

  /** Sends `request` and resolves with the head of the response. Rejects with the signal's reason, or when the stream ends without one. */
  async request(request: OutgoingRequest, signal: AbortSignal): Promise<Response> {
    this.#begin();
    let stream: H2Stream | undefined;
    let head: ResponseHead | undefined;
    try {
      await this.#place(signal);
      const endStream = request.body === null;
      stream = this.#connection.open(fieldsOf(request), (fields) => {
        const read = readResponseHead(fields);
        if (typeof read === "string") return { malformed: read };
        head = read;
        return read.status < 200 ? "head" : "content";
      }, { endStream });
    } finally {
      if (stream === undefined) this.#end();
    }
    if (stream === undefined) throw new Error("it takes no more requests");
    const { duplex } = stream;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {}); // also behind the head, when nobody asks any more
    const fail = (error: unknown) => {
      failed.reject(error);
      stream!.breakOff("the request was given up");
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort);
    duplex.once("close", () => {
      signal.removeEventListener("abort", abort);
      this.#end();
    });
    if (request.body !== null) sendBody(request.body, duplex).catch(fail);
    await Promise.race([stream.answered, failed.promise]);
    return answer(request, head!, stream);
  }

  /** Settles when the origin allows one more stream, or takes none at all any more. */
  async #place(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { maxConcurrentStreams } = this.#connection.peer;
    if (this.#isRetired || this.#active <= maxConcurrentStreams) return;
    if (this.#waiting.size >= MAX_WAITING) throw new Error("too many requests wait for it");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await abortable(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }

  /** Lets those go on for whom there is room. */
  #admit(): void {
    const { maxConcurrentStreams } = this.#connection.peer;
    for (const go of this.#waiting) {
      if (!this.#isRetired && this.#active - this.#waiting.size >= maxConcurrentStreams) return;
      this.#waiting.delete(go);
      go();
    }
  }

  #begin(): void {
    this.#active++;
    clearTimeout(this.#idleTimer);
    this.#keepAlive.start();
  }

  #end(): void {
    this.#active--;
    this.#admit();
    if (this.#active > 0) return;
    this.#keepAlive.stop();
    if (this.#isRetired) this.#connection.close();
    else this.#rest();
  }

  #rest(): void {
    this.#idleTimer = setTimeout(() => this.#connection.close(), IDLE_TIMEOUT_MS);
  }
}

function answer(
  request: OutgoingRequest,
  { status, fields }: ResponseHead,
  { duplex }: H2Stream,
): Response {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const length = headers.get("content-length");
  let received = 0;
  duplex.on("data", (chunk: Uint8Array) => received += chunk.length);
  // RFC 9113, section 8.1.1: a body of another length than announced is not what was meant.
  const isWhole = () => duplex.readableEnded && (length === null || received === Number(length));
  const body = { source: duplex, isWhole, cancel: () => void duplex.destroy() };
  return toResponse(request, status, headers, body);
}

function fieldsOf({ method, url, headers }: OutgoingRequest): Field[] {
  const fields: Field[] = [
    [":method", method],
    [":scheme", url.protocol.slice(0, -1)],
    [":authority", url.host],
    [":path", url.pathname + url.search],
  ];
  for (const [name, value] of headers) if (!FOREIGN.has(name)) fields.push([name, value]);
  return fields;
}

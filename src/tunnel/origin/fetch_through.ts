/**
 * `fetch`, carried through a tunnel.
 *
 * The runtime's own `fetch` does not serve. It goes through a proxy only as a client of one on a socket, which would be an
 * open door on loopback; and a variable of the environment (`NO_PROXY`) makes it go around that proxy without a word, tried
 * with Deno 2.9.6. Here there is one way out, and it is the tunnel.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { parsePin, type Trust } from "../connection/dial.ts";
import type { OutgoingRequest } from "./message.ts";
import { connectOrigin, type Origin, type OriginConnection, originOf } from "./origin.ts";
import { requestOverH1 } from "./h1.ts";
import { OriginSession } from "./h2.ts";
import type { ProxyClient } from "../tunnel.ts";

/** As long as a person waits for tunnel, TCP and TLS together. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A `fetch` whose every byte goes through a tunnel, and that is closed when it is no longer needed. */
export interface TunnelFetch extends AsyncDisposable {
  /** Fetches as the global `fetch` does, within the bounds that {@linkcode fetchThrough} names. */
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Ends every connection. Closing twice does nothing. */
  close(): Promise<void>;
}

/**
 * A `fetch` through `proxy`. The proxy is asked for the name in the URL, so nothing is resolved here; TLS is with the origin
 * itself, and `trust` says which origins are believed (by default the public authorities).
 *
 * HTTP/2 where the origin offers it, one connection for each origin, closed after a minute without use; HTTP/1.1 elsewhere.
 * Only `http:` and `https:`. Redirects are not followed (`redirect: "manual"`, without the filter), bodies are not decoded,
 * and there are no cookies and no cache. The proxy belongs to its owner and stays open.
 *
 * As with `fetch`, what got no response rejects with a `TypeError`, whose `cause` may be a `ProxyError`, and an aborted request with
 * the signal's reason. Throws a `TypeError` on a pin that is none.
 *
 * @example A refusal of the proxy is a fetch that failed
 * ```ts
 * import { fetchThrough, MemoryClient, ProxyError } from "../../../mod.ts";
 *
 * await using proxy = new MemoryClient(() => ({
 *   kind: "dns_error", refusal: "host-unreachable", status: 502, detail: "no such name",
 * }));
 * await using fetch = fetchThrough(proxy);
 * const error = await fetch("https://nowhere.example/").catch((error) => error);
 * if (!(error instanceof TypeError)) throw new Error("unexpected");
 * if (!(error.cause instanceof ProxyError)) throw new Error("unexpected");
 * ```
 */
export function fetchThrough(proxy: ProxyClient, trust: Trust = {}): TunnelFetch {
  if (trust.pin !== undefined) parsePin(trust.pin);
  const fetcher = new Fetcher(proxy, trust);
  const close = () => fetcher.close();
  return Object.assign(
    (input: string | URL | Request, init?: RequestInit) => fetcher.fetch(input, init),
    { close, [Symbol.asyncDispose]: close },
  );
}

/** What a first connection turned out to be. */
type Opened = OriginSession | OriginConnection;

class Fetcher {
  readonly #proxy: ProxyClient;
  readonly #trust: Trust;
  readonly #closing = new AbortController();
  /** One HTTP/2 connection for each origin, open or on its way. */
  readonly #sessions = new Map<string, Promise<Opened>>();
  readonly #connections = new Set<OriginConnection>();

  constructor(proxy: ProxyClient, trust: Trust) {
    this.#proxy = proxy;
    this.#trust = trust;
  }

  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    this.#checkOpen();
    const { request, signal } = outgoing(input, init);
    signal.throwIfAborted();
    try {
      return await this.#send(request, AbortSignal.any([signal, this.#closing.signal]));
    } catch (cause) {
      signal.throwIfAborted();
      this.#checkOpen();
      const why = cause instanceof Error ? cause.message : `${cause}`;
      throw new TypeError(`Could not fetch from "${request.url.origin}": ${why}`, { cause });
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The fetch was closed", "AbortError"));
    await Promise.allSettled(this.#sessions.values());
    await Promise.all(Array.from(this.#connections, (connection) => connection.close()));
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) {
      throw new TypeError("Cannot fetch through what was closed: make another one");
    }
  }

  async #send(request: OutgoingRequest, signal: AbortSignal): Promise<Response> {
    const origin = originOf(request.url, this.#trust);
    const opened = origin.trust === undefined
      ? await this.#connect(origin)
      : await this.#open(origin, signal);
    return opened instanceof OriginSession
      ? await opened.request(request, signal)
      : await requestOverH1(opened, request, signal);
  }

  /**
   * The origin's HTTP/2 connection, which all share, or one of HTTP/1.1, which belongs to the caller. Whoever gives up waits no
   * longer, and the connection that others wait for is opened nevertheless.
   */
  async #open(origin: Origin, signal: AbortSignal): Promise<Opened> {
    const shared = this.#sessions.get(origin.origin);
    const opening = shared ?? this.#openFirst(origin);
    const opened = await abortable(opening, signal).catch((error) => {
      if (shared === undefined) opening.then(closeUnlessShared, () => {});
      throw error;
    });
    const isOurs = shared === undefined || opened instanceof OriginSession;
    return isOurs ? opened : await this.#connect(origin);
  }

  #openFirst(origin: Origin): Promise<Opened> {
    const opening = this.#connect(origin).then((connection) =>
      connection.isHttp2 ? new OriginSession(connection) : connection
    );
    this.#sessions.set(origin.origin, opening);
    const forget = () => void this.#sessions.delete(origin.origin);
    opening.then((opened) => opened instanceof OriginSession ? opened.retired : undefined)
      .then(forget, forget);
    return opening;
  }

  async #connect(origin: Origin): Promise<OriginConnection> {
    const deadline = new AbortController();
    const late = new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`);
    const timer = setTimeout(() => deadline.abort(late), CONNECT_TIMEOUT_MS);
    const signal = AbortSignal.any([deadline.signal, this.#closing.signal]);
    try {
      const connection = await connectOrigin(this.#proxy, origin, signal);
      this.#connections.add(connection);
      connection.stream.once("close", () => this.#connections.delete(connection));
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }
}

function closeUnlessShared(opened: Opened): void {
  if (!(opened instanceof OriginSession)) void opened.close();
}

/** What `fetch` was told, checked and in one shape. */
function outgoing(
  input: string | URL | Request,
  init: RequestInit | undefined,
): { readonly request: OutgoingRequest; readonly signal: AbortSignal } {
  const { method, url: text, headers: given, body, signal } = new Request(input, init);
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError(
      `Cannot fetch "${url.protocol}" through a tunnel: the URL begins with https:// or http://`,
    );
  }
  const headers = new Headers(given);
  const length = knownLength(init?.body);
  if (length !== undefined) headers.set("content-length", `${length}`);
  return { request: { method, url, headers, body }, signal };
}

/** Some servers refuse a body of unknown length (411). */
function knownLength(body: RequestInit["body"]): number | undefined {
  if (typeof body === "string") return new TextEncoder().encode(body).length;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof Blob) return body.size;
  return undefined;
}

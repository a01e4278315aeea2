/**
 * One streaming POST by `fetch`: its two bodies are the two directions of a tunnel.
 *
 * @module
 */

import { ProxyError } from "../../errors.ts";
import { postFields, readPostAnswer } from "../../masque/tcp_request.ts";
import { writtenBody } from "../../written_body.ts";

import { noAnswer, type ProxySettings, unreachable } from "../settings.ts";

/** `fetch`, as far as a tunnel needs it. It must send a body while it receives one: `duplex: "half"` says so in the standard, and means full here. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** A `fetch` for one tunnel. */
export interface TunnelFetcher {
  readonly fetch: FetchLike;
  /** Lets go of what it holds; nothing of the tunnel is left then. */
  close(): void;
}

/** An answer. */
export interface FetchAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** It grants a tunnel. */
  readonly isOpen: boolean;
  /** From the proxy. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** To the proxy; a write settles once `fetch` has taken the bytes. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Breaks the request off. */
  reset(reason?: unknown): void;
}

/**
 * Sends the POST and waits for the head of its answer. Rejects with a `ProxyError` when there is none, and with the reason of `signal`, which has
 * no more to say afterwards.
 */
export async function exchange(
  url: string,
  fields: Iterable<readonly [string, string]>,
  proxy: ProxySettings,
  fetch: FetchLike,
  signal: AbortSignal,
): Promise<FetchAnswer> {
  const breaker = new AbortController();
  const abort = () => breaker.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const { answerMs } = proxy.timeouts;
  const late = noAnswer(proxy, "connection_timeout", `silence for ${answerMs / 1000} s`);
  const timer = setTimeout(() => breaker.abort(late), answerMs);
  const body = writtenBody();
  const init = {
    method: "POST",
    headers: postFields(fields).map(([name, value]): [string, string] => [name, value]),
    body: body.readable,
    duplex: "half",
    redirect: "manual",
    signal: breaker.signal,
  };
  try {
    const response = await fetch(url, init as RequestInit);
    const answer = answerOf(response, body.writable, breaker);
    const reading = readPostAnswer(response.status, response.headers);
    if (reading.is !== "malformed") return { ...answer, isOpen: reading.is === "open" };
    discard(answer);
    throw noAnswer(proxy, "proxy_internal_error", reading.reason);
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    if (breaker.signal.aborted) throw breaker.signal.reason;
    throw unreachable(proxy, fetchFault(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** What `fetch` says in words only, with the codes that other roads have; its own words name the whole URL and come last. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/os error 111|refused/i, "ECONNREFUSED"],
  [/os error 113/, "EHOSTUNREACH"],
  [/os error 101/, "ENETUNREACH"],
  [/dns error|failed to lookup/i, "ENOTFOUND"],
  [/NotValidForName|not valid for name/, "ERR_TLS_CERT_ALTNAME_INVALID"],
];

/** A failure of `fetch` with a `code` where its words tell one. The words of the runtime stand in the cause of the cause. */
export function fetchFault(error: unknown): unknown {
  let last = error;
  while (last instanceof Error && last.cause !== undefined) last = last.cause;
  const message = last instanceof Error ? last.message : String(last);
  const code = FAULTS.find(([pattern]) => pattern.test(message))?.[1];
  const words = message.slice(message.lastIndexOf("): ") + 1).replace(/^: /, "");
  return Object.assign(new Error(words, { cause: error }), code && { code });
}

/** Lets go of an answer that is no tunnel. */
export function discard({ readable, writable, reset }: Omit<FetchAnswer, "isOpen">): void {
  readable.cancel().catch(() => {});
  writable.abort().catch(() => {});
  reset();
}

function answerOf(
  { status, headers, body }: Response,
  writable: FetchAnswer["writable"],
  breaker: AbortController,
): Omit<FetchAnswer, "isOpen"> {
  return {
    status,
    headers,
    readable: body ?? new ReadableStream({ start: (controller) => controller.close() }),
    writable,
    reset: (reason) => breaker.abort(reason),
  };
}

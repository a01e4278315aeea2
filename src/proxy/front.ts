/**
 * The first moments of a client's connection: TLS, and which HTTP it speaks.
 *
 * One port serves both versions. Over TLS the client says which one it wants (ALPN, RFC 7301); in the clear, and where a client says
 * nothing, the first bytes tell: HTTP/2 opens with a preface that no HTTP/1.1 request can be (RFC 9113, section 3.4).
 *
 * @module
 */

import type { Log } from "../log.ts";
import { connCarrier } from "../http2/conn_carrier.ts";
import { clientKey, type Gate } from "./gate.ts";
import { refuse, serveHttp1 } from "./h1/serve.ts";
import { serveHttp2 } from "./h2/serve.ts";
import type { ProxyLimits } from "./limits.ts";
import { closeQuietly } from "./relay/pump.ts";
import type { Refusal } from "./refusal.ts";
import { findHeadEnd, isHttp2Preface } from "./asked/request_head.ts";

/** What serving connections takes. */
export interface FrontOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly log: Log;
  /** Aborted when the proxy closes. */
  readonly signal: AbortSignal;
  /** Where else the proxy is (RFC 7838). */
  readonly altSvc?: string;
}

/** The first bytes of a client: a head that is whole, and what came behind it. */
interface Opening {
  readonly head: Uint8Array<ArrayBuffer>;
  readonly early: Uint8Array<ArrayBuffer>;
}

const TOO_SLOW: Refusal = {
  status: 408,
  error: "http_request_error",
  detail: "The head of the request did not come in time",
};

const TOO_LARGE: Refusal = {
  status: 431,
  error: "http_request_error",
  detail: "The head of the request is larger than the proxy reads",
};

/** Serves one connection to its end. Never rejects. */
export async function serveConnection(conn: Deno.Conn, options: FrontOptions): Promise<void> {
  const { gate, limits, log, signal, altSvc } = options;
  const client = clientKey((conn.remoteAddr as Deno.NetAddr).hostname);
  try {
    const opening = await withDeadline(readOpening(conn, limits.headBytes), limits.headTimeoutMs);
    if (opening === undefined) return; // a port scan, or a spare connection that was not needed
    if ("status" in opening) return await refuse(conn, opening, limits);
    const { head, early } = opening;
    if (isHttp2Preface(head)) {
      const preface = new Uint8Array(head.length + early.length);
      preface.set(head);
      preface.set(early, head.length);
      const { hostname: local } = conn.localAddr as Deno.NetAddr;
      await serveHttp2(connCarrier(conn, preface), { gate, limits, client, local, altSvc });
    } else {
      await serveHttp1(conn, head, early, { gate, limits, client, signal, altSvc });
    }
  } catch (error) {
    // A failed handshake, or a connection that broke before it said anything.
    log.debug(`proxy: ${client} said nothing that could be answered: ${error}`);
  } finally {
    closeQuietly(conn);
  }
}

/** Reads until the first head is whole; `undefined` when the client leaves before. */
async function readOpening(
  conn: Deno.Conn,
  headBytes: number,
): Promise<Opening | Refusal | undefined> {
  // Over TLS Deno cannot set TCP_NODELAY: there the listener has it set where it can (`proxy.ts`), or the end of a burst may wait for a
  // delayed ACK. `node:tls` could, but loses the client's end of input when it comes while nobody reads.
  if ("handshake" in conn) await (conn as Deno.TlsConn).handshake();
  else (conn as Deno.TcpConn).setNoDelay(true);
  const buffer = new Uint8Array(headBytes);
  for (let length = 0; length < buffer.length;) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) return undefined;
    const end = findHeadEnd(buffer, length + count, length);
    length += count;
    // Copied: whoever serves the tunnel holds on to them, and the buffer is for the longest head that may come.
    if (end >= 0) return { head: buffer.slice(0, end), early: buffer.slice(end, length) };
  }
  return TOO_LARGE;
}

/** The work's result, or the refusal to give when it takes too long; the work then ends with the connection. */
async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T | Refusal> {
  const { promise: late, resolve } = Promise.withResolvers<Refusal>();
  const timer = setTimeout(resolve, ms, TOO_SLOW);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

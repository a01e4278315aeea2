/**
 * CONNECT over HTTP/1.1 (RFC 9110, section 9.3.6), by hand: after the 2xx the connection itself is the tunnel, and nothing
 * stands between it and the origin.
 *
 * @module
 */

import type { Gate } from "../gate.ts";
import type { ProxyLimits } from "../limits.ts";
import { resetConn } from "../../sockets/tcp_descriptor.ts";
import { asksForCapsules, framingFault, serveCapsules } from "./capsules.ts";
import { closeQuietly, relay, resetOrigin, writeAll } from "../relay/pump.ts";
import { badRequest, encodeRefusal, notATunnel, type Refusal } from "../refusal.ts";
import { parseRequestHead, type RequestHead } from "../asked/request_head.ts";

/** The answer that opens a tunnel. No field in it could frame a body: the tunnel starts behind the empty line. */
function established(altSvc: string | undefined): Uint8Array<ArrayBuffer> {
  const fields = altSvc === undefined ? "" : `alt-svc: ${altSvc}\r\n`;
  return new TextEncoder().encode(`HTTP/1.1 200 Connection established\r\n${fields}\r\n`);
}

/** Bytes that are read away behind a refusal before patience ends: as much as a client's first flight may hold. */
const LINGER_BYTES = 256 * 1024;

/** What serving one connection takes. */
export interface Http1Options {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  /** The client's address, to count by. */
  readonly client: string;
  /** Aborted when the proxy closes. */
  readonly signal: AbortSignal;
  /** Where else the proxy is (RFC 7838), which the answer to a CONNECT says. */
  readonly altSvc?: string;
}

/**
 * Answers the one request of a connection and carries its tunnel. `head` ends with its empty line; `early` is what came behind it, and goes
 * to the origin after the 2xx and nowhere before. Closes the connection; never rejects.
 */
export async function serveHttp1(
  conn: Deno.Conn,
  head: Uint8Array,
  early: Uint8Array<ArrayBuffer>,
  options: Http1Options,
): Promise<void> {
  const request = parseRequestHead(head);
  const fault = request === undefined
    ? badRequest("The request is not HTTP/1.1 as RFC 9112 has it")
    : findFault(request);
  if (fault !== undefined) return await refuse(conn, fault, options.limits);

  const { gate, client, signal } = options;
  if (request!.method !== "CONNECT") {
    const refusal = await serveCapsules(conn, request!, early, options);
    return refusal === undefined ? undefined : await refuse(conn, refusal, options.limits);
  }
  const authorization = request!.fields.get("proxy-authorization");
  const admission = await gate.admit({ authority: request!.target, authorization, client, signal });
  if (!admission.ok) return await refuse(conn, admission.refusal, options.limits);
  try {
    await writeAll(conn, established(options.altSvc));
    await writeAll(admission.origin, early);
    await relay(conn, admission.origin);
  } catch {
    // The client left while we dialled, or the origin before the first byte.
    resetConn(conn);
    resetOrigin(admission.origin);
  } finally {
    admission.release();
  }
}

function findFault(request: RequestHead): Refusal | undefined {
  const { method, target, minorVersion, fields } = request;
  if (method !== "CONNECT" && !asksForCapsules(request)) {
    return notATunnel(method, target);
  }
  const host = fields.get("host");
  // RFC 9112, section 3.2: none or several is a 400. Which one it is does not matter here, for the target says it all.
  if ((host === undefined && minorVersion > 0) || host?.includes(",")) {
    return badRequest("HTTP/1.1 wants one Host field");
  }
  return framingFault(request);
}

/** Sends a refusal and closes, so that the client gets to read it. Never rejects. */
export async function refuse(
  conn: Deno.Conn,
  refusal: Refusal,
  limits: ProxyLimits,
): Promise<void> {
  const timer = setTimeout(() => closeQuietly(conn), limits.lingerTimeoutMs);
  try {
    await writeAll(conn, encodeRefusal(refusal));
    await conn.closeWrite();
    const rest = new Uint8Array(4096);
    for (let left = LINGER_BYTES; left > 0;) {
      const count = await conn.read(rest);
      if (count === null) break;
      left -= count;
    }
  } catch {
    // The client did not wait for the answer.
  } finally {
    clearTimeout(timer);
    closeQuietly(conn);
  }
}

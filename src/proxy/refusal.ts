/**
 * What the proxy says when it does not say 2xx: a status, a `Proxy-Status` (RFC 9209) that tells it apart from others of that
 * status, and a sentence for the person who looks.
 *
 * @module
 */

import { formatProxyStatus } from "../masque/proxy_status.ts";

/** How the proxy names itself in `Proxy-Status`. */
export const PROXY_NAME = "pseudotcp";

/** A refusal, before it has the shape of an HTTP version. */
export interface Refusal {
  readonly status: number;
  /** A proxy error type (RFC 9209, section 2.3). */
  readonly error: string;
  /** One sentence without a final period and without secrets. */
  readonly detail: string;
  /** Further header fields. */
  readonly fields?: readonly (readonly [string, string])[];
}

/** The reason phrases of the statuses in use; HTTP/1.1 has them, nobody needs them. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The request cannot be understood. */
export function badRequest(detail: string): Refusal {
  return { status: 400, error: "http_request_error", detail };
}

/**
 * A refusal as an origin gives it: a proxy at a resource of its own asks for credentials as any other resource does, because gateways
 * keep the fields of proxies to themselves (draft-ietf-httpbis-connect-tcp, section 3.3.2).
 */
export function asOrigin(refusal: Refusal): Refusal {
  if (refusal.status !== 407) return refusal;
  const fields = (refusal.fields ?? []).map(([name, value]): [string, string] => [
    name === "proxy-authenticate" ? "www-authenticate" : name,
    value,
  ]);
  return {
    ...refusal,
    status: 401,
    detail: "The proxy wants credentials: send Authorization",
    fields,
  };
}

/** Something here broke; the words go to the log, not to the client. */
export const INTERNAL_ERROR: Refusal = {
  status: 500,
  error: "proxy_internal_error",
  detail: "The proxy failed",
};

/** The request is for something other than a tunnel: `method` and `target` as they came. */
export function notATunnel(method: string, target: string): Refusal {
  if (target.startsWith("/")) {
    return {
      status: 404,
      error: "http_request_error",
      detail: "Nothing is served here: this is a proxy, name it to your client as one",
    };
  }
  return {
    status: 405,
    error: "http_request_error",
    detail: `This proxy knows the method CONNECT, not ${method}: ask it for a tunnel`,
    fields: [["allow", "CONNECT, CONNECT-UDP"]],
  };
}

/** An extended CONNECT for something else (RFC 9220, section 3). */
export function unknownProtocol(protocol: string): Refusal {
  const detail = `This proxy knows the protocols connect-udp and connect-tcp, not ${protocol}`;
  return { status: 501, error: "http_request_error", detail };
}

/** The header fields and the body of a refusal. */
export function refusalMessage(
  refusal: Refusal,
): { readonly fields: [string, string][]; readonly body: Uint8Array<ArrayBuffer> } {
  const { error, detail } = refusal;
  const body = new TextEncoder().encode(`${detail}.\n`);
  return {
    body,
    fields: [
      ["proxy-status", formatProxyStatus({ proxy: PROXY_NAME, error, details: detail })],
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
      ...(refusal.fields ?? []).map(([name, value]): [string, string] => [name, value]),
    ],
  };
}

/**
 * A refusal in HTTP/1.1. It always ends the connection: behind a refused CONNECT there may be bytes that were meant for the origin, and
 * they must never be read as a further request (RFC 9931).
 */
export function encodeRefusal(refusal: Refusal): Uint8Array<ArrayBuffer> {
  const { fields, body } = refusalMessage(refusal);
  let head = `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status] ?? ""}\r\nconnection: close\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  const text = new TextEncoder().encode(`${head}\r\n`);
  const bytes = new Uint8Array(text.length + body.length);
  bytes.set(text);
  bytes.set(body, text.length);
  return bytes;
}

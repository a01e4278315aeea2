/**
 * What becomes of the answers of an HTTP/2 proxy: tunnels, refusals, and answers that cannot be believed.
 *
 * @module
 */

import type * as http2 from "node:http2";
import { outcomeOf } from "../masque/outcome.ts";
import { readUdpAnswer, udpOutcomeOf } from "../masque/udp_request.ts";
import { duplexTunnel, type DuplexTunnelOptions } from "./duplex_tunnel.ts";
import { noAnswer, type ProxySettings } from "./settings.ts";
import type { RefusedTunnel, TunnelResponse, UdpTunnelResponse } from "./tunnel.ts";
import { capsuleTunnel } from "./udp_tunnel.ts";

/** The head of an answer, and the stream that it came on. */
export interface AnsweredStream {
  readonly stream: http2.ClientHttp2Stream;
  readonly status: number;
  readonly head: http2.IncomingHttpHeaders;
  /** Sends a bare RST_STREAM. */
  reset(): void;
  /** Breaks the tunnel off. */
  readonly signal: AbortSignal;
}

/** The answer to a CONNECT to `target`. */
export function respond(answered: AnsweredStream, target: string): TunnelResponse {
  const { status, head, stream } = answered;
  const headers = toHeaders(head);
  if (status < 200 || status > 299) return refused(answered, headers, target, outcomeOf);
  // In this very turn: the runtime emits `data` as soon as somebody listens.
  const { readable, writable, closed } = duplexTunnel(stream, tunnelOptions(answered));
  return { ok: true, status, headers, readable, writable, closed };
}

/** The answer to an extended CONNECT for UDP. Throws a `ProxyError` when the answer breaks the rules of RFC 9298, section 3.5. */
export function respondUdp(
  answered: AnsweredStream,
  target: string,
  proxy: ProxySettings,
): UdpTunnelResponse {
  const { status, head, stream } = answered;
  const headers = toHeaders(head);
  const answer = readUdpAnswer("connect", status, headers);
  if (answer.is === "malformed") throw noAnswer(proxy, "proxy_internal_error", answer.reason);
  if (answer.is === "refused") return refused(answered, headers, target, udpOutcomeOf);
  return capsuleTunnel(stream, tunnelOptions(answered), { status, headers });
}

function refused(
  { status, reset }: AnsweredStream,
  headers: Headers,
  target: string,
  explain: typeof outcomeOf,
): RefusedTunnel {
  reset(); // whatever body follows, nobody reads it
  const answer = {
    status,
    proxyStatus: headers.get("proxy-status"),
    squidError: headers.get("x-squid-error"),
  };
  return { ok: false, status, headers, outcome: explain(answer, target) };
}

function tunnelOptions({ stream, reset, signal }: AnsweredStream): DuplexTunnelOptions {
  return { endedInOrder: () => !stream.destroyed && !stream.rstCode, reset, signal };
}

function toHeaders(head: http2.IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(head)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}

/**
 * Tunnels in capsules over HTTP/2: the stream of an extended CONNECT (RFC 9298, section 3.5; draft-ietf-httpbis-connect-tcp, section
 * 3.2) or of a POST carries them.
 *
 * @module
 */

import http2 from "node:http2";
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { POST_ANSWER_FIELDS } from "../../masque/tcp_request.ts";
import { CAPSULE_PROTOCOL } from "../../masque/templated.ts";
import type { CapsulesAsked } from "../asked/asked.ts";
import { duplexPipe } from "../relay/duplex_pipe.ts";
import type { Gate } from "../gate.ts";
import { serveUdp } from "./udp.ts";
import type { ProxyLimits } from "../limits.ts";
import { asOrigin, type Refusal } from "../refusal.ts";
import { serveTcp } from "../relay/tcp_relay.ts";

const { NGHTTP2_NO_ERROR } = http2.constants;

/** What serving takes. */
export interface CapsuleOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly client: string;
  readonly local: string;
  readonly signal: AbortSignal;
}

/** Carries one tunnel to its end, or returns the refusal to give. Never rejects. */
export async function serveCapsules(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { protocol, asked }: CapsulesAsked,
  options: CapsuleOptions,
): Promise<Refusal | undefined> {
  const isPost = headers[":method"] === "POST";
  const ofProxy = headers["proxy-authorization"];
  const ofOrigin = headers["authorization"] ?? ofProxy;
  const fields = isPost ? POST_ANSWER_FIELDS : [CAPSULE_PROTOCOL];
  if (protocol === "udp") {
    const authorization = isPost ? ofOrigin : ofProxy;
    const refusal = await serveUdp(stream, asked, { ...options, authorization }, fields);
    return isPost && refusal !== undefined ? asOrigin(refusal) : refusal;
  }
  const head: OutgoingHttpHeaders = { ":status": 200 };
  for (const [name, value] of fields) head[name] = value;
  const all = { ...options, ...asked, authorization: ofOrigin };
  const pipe = duplexPipe(stream, {
    isBroken: () => stream.aborted || stream.rstCode !== NGHTTP2_NO_ERROR,
    close: () => stream.close(NGHTTP2_NO_ERROR),
    // `close` with a code would send END_STREAM first, so an end in order.
    reset: () => stream.destroy(new Error("The tunnel broke off")),
  });
  const refusal = await serveTcp(pipe, all, () => Promise.resolve(stream.respond(head)));
  return refusal && asOrigin(refusal);
}

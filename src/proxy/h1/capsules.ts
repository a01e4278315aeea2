/**
 * Tunnels in capsules over HTTP/1.1: the connection carries them after the 101 (RFC 9298, section 3.3; draft-ietf-httpbis-connect-tcp,
 * section 3.1), the two bodies of a POST do, or chunks after the 200 of draft 03.
 *
 * @module
 */

import { CONNECT_UDP } from "../../masque/udp_request.ts";
import { POST_ANSWER_FIELDS } from "../../masque/tcp_request.ts";
import { connPipe } from "../relay/byte_pipe.ts";
import { chunkedPipe } from "./chunked_pipe.ts";
import type { Gate } from "../gate.ts";
import type { ProxyLimits } from "../limits.ts";
import { closeQuietly, writeAll } from "../relay/pump.ts";
import { asOrigin, badRequest, type Refusal } from "../refusal.ts";
import type { RequestHead } from "../asked/request_head.ts";
import { tcpAskedOverHttp1 } from "../asked/tcp_asked.ts";
import { serveTcp } from "../relay/tcp_relay.ts";
import { askedOverHttp1, type UdpAsked } from "../asked/udp_asked.ts";
import { serveUdpPipe } from "../relay/udp_pipe.ts";

/** What serving takes. */
export interface CapsuleOptions {
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly client: string;
  readonly signal: AbortSignal;
}

const NOT_CHUNKED = badRequest(
  "The body of such a POST is a stream: send it with Transfer-Encoding: chunked and no length",
);

const HAS_CONTENT = badRequest(
  "A tunnel has no content: leave Content-Length and Transfer-Encoding away",
);

/** Whether a request asks for a tunnel in capsules, in a right way or in a wrong one. */
export function asksForCapsules(request: RequestHead): boolean {
  return (askedOverHttp1(request) ?? tcpAskedOverHttp1(request)) !== undefined;
}

/** What is wrong with the framing of a request, whose content only a POST may have. */
export function framingFault({ method, fields }: RequestHead): Refusal | undefined {
  const coding = fields.get("transfer-encoding");
  if (method === "POST") {
    return coding?.toLowerCase() === "chunked" && !fields.has("content-length")
      ? undefined
      : NOT_CHUNKED;
  }
  // RFC 9110, section 9.3.6: a CONNECT has no content. Who believes that it has, and who does not, see different tunnels.
  const hasContent = coding !== undefined || (fields.get("content-length") ?? "0") !== "0";
  return hasContent ? HAS_CONTENT : undefined;
}

/** Carries the tunnel that a request asks for to its end, or returns the refusal to give. `early` came behind the head. Never rejects. */
export async function serveCapsules(
  conn: Deno.Conn,
  request: RequestHead,
  early: Uint8Array<ArrayBuffer>,
  options: CapsuleOptions,
): Promise<Refusal | undefined> {
  const { method, fields } = request;
  const isPost = method === "POST";
  const whole = connPipe(conn, early);
  const pipe = isPost ? chunkedPipe(whole) : whole;
  const grant = (head: string) => writeAll(conn, new TextEncoder().encode(head));
  const ofProxy = fields.get("proxy-authorization");
  const ofOrigin = fields.get("authorization") ?? ofProxy;

  const tcp = tcpAskedOverHttp1(request);
  if (tcp !== undefined) {
    if ("status" in tcp) return tcp;
    const head = isPost ? postHead() : switchingHead(fields.get("upgrade")!);
    const all = { ...options, ...tcp, authorization: ofOrigin };
    const refusal = await serveTcp(pipe, all, () => grant(head));
    return refusal && asOrigin(refusal);
  }
  const udp = askedOverHttp1(request);
  if (udp === undefined || "status" in udp) return udp;
  const { hostname: local } = conn.localAddr as Deno.NetAddr;
  const authorization = isPost ? ofOrigin : ofProxy;
  const refusal = await serveUdpPipe(pipe, udp, { ...options, local, authorization }, (further) => {
    return grant(isPost ? postHead() : udpHead(udp, further));
  });
  if (refusal === undefined) closeQuietly(conn);
  return isPost && refusal !== undefined ? asOrigin(refusal) : refusal;
}

function udpHead({ isDraft03 }: UdpAsked, fields: readonly (readonly [string, string])[]): string {
  return isDraft03
    ? headOf("200 Connection established", fields)
    : switchingHead(CONNECT_UDP, fields);
}

function switchingHead(
  token: string,
  fields: readonly (readonly [string, string])[] = [],
): string {
  const own = [["connection", "upgrade"], ["upgrade", token], ["capsule-protocol", "?1"]] as const;
  return headOf("101 Switching Protocols", [...own, ...fields]);
}

/** One POST a connection: a client that sends a further request would wait for the tunnel's end. */
function postHead(): string {
  const own = [["transfer-encoding", "chunked"], ["connection", "close"]] as const;
  return headOf("200 OK", [...own, ...POST_ANSWER_FIELDS]);
}

function headOf(status: string, fields: readonly (readonly [string, string])[]): string {
  let head = `HTTP/1.1 ${status}\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  return `${head}\r\n`;
}

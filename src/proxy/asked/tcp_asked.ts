/**
 * Requests for TCP at a resource of its own, freed of their HTTP version: connect-tcp (draft-ietf-httpbis-connect-tcp), and our POST.
 *
 * @module
 */

import { formatAuthority } from "../../masque/authority.ts";
import { CONNECT_TCP, CONNECT_TCP_TOKENS, parseTcpPath } from "../../masque/tcp_request.ts";
import { upgradesTo } from "../../masque/templated.ts";
import { badRequest, type Refusal } from "../refusal.ts";
import type { RequestHead } from "./request_head.ts";

/** A request for TCP. */
export interface TcpAsked {
  /** `host:port`. */
  readonly authority: string;
}

/** A target that is none (RFC 9298, section 3). */
export const MALFORMED_TARGET: Refusal = badRequest(
  "The target is not a host and a port from 1 to 65535 with the colons of IPv6 percent-encoded",
);

const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  error: "http_request_error",
  detail: "TCP is proxied here: ask with Connection: Upgrade and Upgrade: connect-tcp, or POST",
  fields: [["upgrade", CONNECT_TCP], ["connection", "upgrade"]],
};

/** What an HTTP/1.1 request asks for; a refusal when it asks in a wrong way, `undefined` when it does not ask for TCP so. */
export function tcpAskedOverHttp1(
  { method, target, fields }: RequestHead,
): TcpAsked | Refusal | undefined {
  const asked = method === "GET" || method === "POST" ? tcpAskedByPath(target) : undefined;
  if (asked === undefined || method === "POST") return asked;
  const isUpgrade = upgradesTo(CONNECT_TCP_TOKENS, fields.get("connection"), fields.get("upgrade"));
  return isUpgrade ? asked : UPGRADE_REQUIRED;
}

/** What a path asks for. */
export function tcpAskedByPath(path: string): TcpAsked | Refusal | undefined {
  const target = parseTcpPath(path);
  if (target === undefined) return undefined;
  if (target === "malformed") return MALFORMED_TARGET;
  return { authority: formatAuthority(target.hostname, target.port) };
}

/**
 * Requests for UDP, freed of their HTTP version: RFC 9298 over HTTP/1.1 (section 3.2) and HTTP/2 (section 3.4), and the method CONNECT-UDP of
 * draft-ietf-masque-connect-udp-03 over HTTP/1.1; and our POST.
 *
 * @module
 */

import { formatAuthority } from "../../masque/authority.ts";
import { isBound } from "../../masque/bind_capsules.ts";
import {
  ANY_TARGET,
  CONNECT_UDP,
  parseDraft03Target,
  parseUdpPath,
} from "../../masque/udp_request.ts";
import { upgradesTo } from "../../masque/templated.ts";
import type { Refusal } from "../refusal.ts";
import type { RequestHead } from "./request_head.ts";
import { MALFORMED_TARGET } from "./tcp_asked.ts";

/** A request for UDP. */
export interface UdpAsked {
  /** `host:port`; absent when a port of the proxy is asked for, open to many peers (draft-ietf-masque-connect-udp-listen-13). */
  readonly authority?: string;
  readonly isDraft03: boolean;
}

const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  error: "http_request_error",
  detail: "UDP is proxied here: ask with Connection: Upgrade and Upgrade: connect-udp, or POST",
  fields: [["upgrade", CONNECT_UDP], ["connection", "upgrade"]],
};

/** What an HTTP/1.1 request asks for; a refusal when it asks in a wrong way, `undefined` when it does not ask for UDP. */
export function askedOverHttp1(
  { method, target, fields }: RequestHead,
): UdpAsked | Refusal | undefined {
  if (method === "CONNECT-UDP") {
    const authority = parseDraft03Target(target);
    return authority === undefined ? MALFORMED_TARGET : { authority, isDraft03: true };
  }
  if (method === "POST") return askedByPath(target, undefined);
  const asked = method === "GET" ? askedByPath(target, fields.get("connect-udp-bind")) : undefined;
  if (asked === undefined) return undefined;
  const isUpgrade = upgradesTo([CONNECT_UDP], fields.get("connection"), fields.get("upgrade"));
  return isUpgrade ? asked : UPGRADE_REQUIRED;
}

/**
 * What the path of an extended CONNECT asks for. With a target and `bind`, the value of `Connect-UDP-Bind`, it would take a port or a tunnel to that
 * target; it gets the tunnel.
 */
export function askedByPath(
  path: string,
  bind: string | undefined,
): UdpAsked | Refusal | undefined {
  const target = parseUdpPath(path);
  if (target === undefined) return undefined;
  if (target === ANY_TARGET && isBound(bind)) return { isDraft03: false };
  if (target === ANY_TARGET || target === "malformed") return MALFORMED_TARGET;
  return { authority: formatAuthority(target.hostname, target.port), isDraft03: false };
}

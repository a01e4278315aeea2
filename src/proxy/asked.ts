/**
 * What a CONNECT over HTTP/2 or HTTP/3 asks for, freed of the version.
 *
 * @module
 */

import { CONNECT_UDP } from "../masque/udp_request.ts";
import { notATunnel, type Refusal, unknownProtocol } from "./refusal.ts";
import { askedByPath, type UdpAsked } from "./udp_asked.ts";

/** The parts of a head that say it. */
export interface AskedHead {
  readonly method: string;
  readonly protocol: string | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  /** The value of `Connect-UDP-Bind`. */
  readonly bind: string | undefined;
}

/** The authority of a CONNECT, a request for UDP, or the refusal to give. */
export function askedByHead(head: AskedHead): string | UdpAsked | Refusal {
  const { method, protocol, authority = "", path = "", bind } = head;
  if (method !== "CONNECT") return notATunnel(method, path);
  if (protocol === undefined) return authority;
  if (protocol !== CONNECT_UDP) return unknownProtocol(protocol);
  return askedByPath(path, bind) ?? notATunnel(method, path);
}

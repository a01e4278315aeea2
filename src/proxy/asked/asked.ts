/**
 * What a request over HTTP/2 or HTTP/3 asks for, freed of the version.
 *
 * @module
 */

import { CONNECT_TCP_TOKENS } from "../../masque/tcp_request.ts";
import { CONNECT_UDP } from "../../masque/udp_request.ts";
import { notATunnel, type Refusal, unknownProtocol } from "../refusal.ts";
import { type TcpAsked, tcpAskedByPath } from "./tcp_asked.ts";
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

/** A request for a tunnel in capsules. */
export type CapsulesAsked =
  | { readonly protocol: "tcp"; readonly asked: TcpAsked }
  | { readonly protocol: "udp"; readonly asked: UdpAsked };

/** The authority of a CONNECT, a request for a tunnel in capsules (by extended CONNECT, or by POST), or the refusal to give. */
export function askedByHead(head: AskedHead): string | CapsulesAsked | Refusal {
  const { method, protocol, authority = "", path = "", bind } = head;
  const isPost = method === "POST" && protocol === undefined;
  if (method !== "CONNECT" && !isPost) return notATunnel(method, path);
  if (protocol === undefined && !isPost) return authority;
  const isTcp = isPost || CONNECT_TCP_TOKENS.includes(protocol!);
  const isUdp = isPost || protocol === CONNECT_UDP;
  if (!isTcp && !isUdp) return unknownProtocol(protocol!);
  const tcp = isTcp ? tcpAskedByPath(path) : undefined;
  if (tcp !== undefined) return "status" in tcp ? tcp : { protocol: "tcp", asked: tcp };
  const udp = isUdp ? askedByPath(path, isPost ? undefined : bind) : undefined;
  if (udp === undefined) return notATunnel(method, path);
  return "status" in udp ? udp : { protocol: "udp", asked: udp };
}

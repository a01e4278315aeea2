/**
 * What becomes of a proxy's answer, whichever HTTP it came by: a tunnel, a refusal, or an answer that cannot be believed.
 *
 * All of it happens in the very turn in which the head came: what carries the tunnel flows, and bytes without a listener are lost.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { isBound } from "../masque/bind_capsules.ts";
import { outcomeOf, unanswered } from "../masque/outcome.ts";
import {
  ANY_TARGET,
  readUdpAnswer,
  udpLabel,
  udpOutcomeOf,
  udpUnsupported,
} from "../masque/udp_request.ts";
import { readTcpAnswer } from "../masque/tcp_request.ts";
import { BoundTunnel } from "./duplex/bound_tunnel.ts";
import { capsuleTcp } from "./duplex/capsule_tcp.ts";
import { DuplexTunnel, type DuplexTunnelOptions } from "./duplex/duplex_tunnel.ts";
import { noAnswer, type ProxySettings } from "./settings.ts";
import type {
  BoundUdpResponse,
  RefusedTunnel,
  Target,
  TunnelResponse,
  UdpTunnelResponse,
} from "./tunnel.ts";
import { capsuleTunnel } from "./duplex/udp_tunnel.ts";

/** The head of an answer, and what carries the tunnel if it grants one. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** The connection, or the stream. */
  readonly duplex: Duplex;
  /** How the duplex ends and breaks. */
  readonly options: DuplexTunnelOptions;
}

/** How UDP was asked for. */
export type UdpForm = Parameters<typeof readUdpAnswer>[0];

/** The answer to a CONNECT to `authority`. */
export function respond(answered: Answered, authority: string): TunnelResponse {
  const { status, headers, duplex, options } = answered;
  if (status < 200 || status > 299) return refused(answered, authority, outcomeOf);
  return new DuplexTunnel(duplex, status, headers, options);
}

/** The answer to a connect-tcp for `authority`. Throws a `ProxyError` when it breaks the rules of the draft. */
export function respondTcp(
  answered: Answered,
  form: "upgrade" | "connect",
  authority: string,
  proxy: ProxySettings,
): TunnelResponse {
  const { status, headers, duplex, options } = answered;
  const answer = readTcpAnswer(form, status, headers);
  if (answer.is === "malformed") throw noAnswer(proxy, "proxy_internal_error", answer.reason);
  if (answer.is === "refused") return refused(answered, authority, outcomeOf);
  const streams = new DuplexTunnel(duplex, status, headers, options);
  const { readable, writable, closed } = capsuleTcp(streams);
  return { ok: true, status, headers, readable, writable, closed };
}

/** The answer to a request for UDP. Throws a `ProxyError` when it breaks the rules of RFC 9298. */
export function respondUdp(
  answered: Answered,
  form: UdpForm,
  target: Target,
  proxy: ProxySettings,
): UdpTunnelResponse {
  const label = udpLabel(target);
  if (!isGranted(answered, form, proxy)) return refused(answered, label, udpOutcomeOf);
  const { status, headers, duplex, options } = answered;
  return capsuleTunnel(duplex, options, { status, headers, draft03: form === "draft-03" });
}

/** The answer to a request for a UDP port. Throws a `ProxyError` when it breaks the rules of RFC 9298. */
export function respondBound(
  answered: Answered,
  form: UdpForm,
  proxy: ProxySettings,
): BoundUdpResponse {
  const label = udpLabel(ANY_TARGET);
  if (!isGranted(answered, form, proxy)) return refused(answered, label, udpOutcomeOf);
  const { status, headers, duplex, options } = answered;
  if (!isBound(headers.get("connect-udp-bind"))) {
    return refused(answered, label, () => udpUnsupported(label, "it offers no Connect-UDP-Bind"));
  }
  return new BoundTunnel(duplex, options, { status, headers }).start();
}

/** The response where a proxy cannot be asked by connect-tcp, because of `why`. */
export function withoutTcp(authority: string, why: string): RefusedTunnel {
  const detail =
    `Could not ask for ${authority} by connect-tcp: ${why}; leave the template out to ask by CONNECT`;
  const outcome = unanswered("proxy_configuration_error", detail);
  return { ok: false, status: 0, headers: new Headers(), outcome };
}

/** The response where a proxy cannot even be asked for `target`, because of `why`. */
export function withoutUdp(target: Target | typeof ANY_TARGET, why: string): RefusedTunnel {
  const outcome = udpUnsupported(udpLabel(target), why);
  return { ok: false, status: 0, headers: new Headers(), outcome };
}

function isGranted({ status, headers }: Answered, form: UdpForm, proxy: ProxySettings): boolean {
  const answer = readUdpAnswer(form, status, headers);
  if (answer.is === "malformed") throw noAnswer(proxy, "proxy_internal_error", answer.reason);
  return answer.is === "open";
}

function refused(
  { status, headers, options }: Answered,
  target: string,
  explain: typeof outcomeOf,
): RefusedTunnel {
  options.reset(); // whatever body follows, nobody reads it
  const answer = {
    status,
    proxyStatus: headers.get("proxy-status"),
    squidError: headers.get("x-squid-error"),
  };
  return { ok: false, status, headers, outcome: explain(answer, target) };
}

/**
 * The shared words for how a request for a flow ended, between the side that asks the proxy (masque, tunnel)
 * and the side that answers the program (stack, flow). Neither side imports the other; both import this leaf.
 *
 * @module
 */

/**
 * What the program is told when its flow is refused.
 *
 * - `reset`: a TCP RST, seen as `ECONNREFUSED`.
 * - `host-unreachable`: ICMP host unreachable (ICMPv6 address unreachable), seen as `EHOSTUNREACH`.
 * - `network-unreachable`: ICMP network unreachable (ICMPv6 no route), seen as `ENETUNREACH`.
 * - `prohibited`: ICMP communication administratively prohibited, seen as `EHOSTUNREACH` or `EACCES`.
 * - `port-unreachable`: ICMP port unreachable, the refusal that UDP knows.
 */
export type Refusal =
  | "reset"
  | "host-unreachable"
  | "network-unreachable"
  | "prohibited"
  | "port-unreachable";

/**
 * Why a request failed: the proxy error types of RFC 9209, section 2.3, by their registered names, and
 * four of ours for what no proxy can say.
 *
 * - `proxy_authentication_required`: the proxy answered 407 or 401.
 * - `proxy_unreachable`: there was no answer, because the proxy is gone or never was there.
 * - `udp_unsupported`: the proxy carries TCP and does not offer to carry UDP.
 * - `cancelled`: the program or the caller gave up first.
 */
export type OutcomeKind =
  | "dns_timeout"
  | "dns_error"
  | "destination_not_found"
  | "destination_unavailable"
  | "destination_ip_prohibited"
  | "destination_ip_unroutable"
  | "connection_refused"
  | "connection_terminated"
  | "connection_timeout"
  | "connection_limit_reached"
  | "http_request_denied"
  | "proxy_internal_error"
  | "proxy_configuration_error"
  | "proxy_loop_detected"
  | "proxy_authentication_required"
  | "proxy_unreachable"
  | "udp_unsupported"
  | "cancelled";

/** A failed request for a flow: a value, not an exception, that carries the answer the program must see. */
export interface Outcome {
  /** Why it failed. */
  readonly kind: OutcomeKind;
  /** What the program is told. */
  readonly refusal: Refusal;
  /** The HTTP status of the proxy's answer; 0 when there was none. */
  readonly status: number;
  /** One sentence for the operator, without a final period and without secrets. */
  readonly detail: string;
}

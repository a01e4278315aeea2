/**
 * What a proxy's refusal means: (status, `Proxy-Status`) to an {@linkcode Outcome}.
 *
 * A program must see what it would have seen without us, so the most exact witness speaks first: the registered error type of
 * RFC 9209, then the error number that Squid adds to its error pages, then the bare status.
 *
 * @module
 */

import type { Outcome, OutcomeKind, Refusal } from "../outcome.ts";
import { parseProxyStatus } from "./proxy_status.ts";

/** The parts of a proxy's answer that say why it refused. */
export interface Answer {
  /** The HTTP status, not a 2xx. */
  readonly status: number;
  /** The value of `Proxy-Status`, when sent. */
  readonly proxyStatus?: string | null;
  /** The value of `X-Squid-Error`, when sent: Squid answers 503 to every failure and tells them apart only here. */
  readonly squidError?: string | null;
}

type Row = readonly [kind: OutcomeKind, refusal: Refusal, sentence: string];

/** Foreign words in a sentence of ours stay short. */
const MAX_FOREIGN_LENGTH = 120;

/**
 * Every proxy error type of RFC 9209, section 2.3, in its order. Types about an HTTP response cannot come from a CONNECT that reached
 * its target; a chained proxy can still send them about the proxy behind it.
 */
const ERROR_TYPES: Readonly<Record<string, Row>> = {
  dns_timeout: ["dns_timeout", "host-unreachable", "could not resolve the name in time"],
  dns_error: ["dns_error", "host-unreachable", "could not resolve the name"],
  destination_not_found: ["destination_not_found", "host-unreachable", "knows no way there"],
  destination_unavailable: ["destination_unavailable", "host-unreachable", "holds it for down"],
  destination_ip_prohibited: ["destination_ip_prohibited", "prohibited", "forbids this address"],
  destination_ip_unroutable: [
    "destination_ip_unroutable",
    "host-unreachable",
    "has no route there",
  ],
  connection_refused: ["connection_refused", "reset", "found nobody listening"],
  connection_terminated: ["connection_terminated", "reset", "lost the connection there"],
  connection_timeout: ["connection_timeout", "host-unreachable", "got no connection in time"],
  connection_read_timeout: ["connection_timeout", "host-unreachable", "read nothing in time"],
  connection_write_timeout: ["connection_timeout", "host-unreachable", "could not write in time"],
  connection_limit_reached: ["connection_limit_reached", "host-unreachable", "is full"],
  tls_protocol_error: ["connection_terminated", "reset", "failed at TLS with the next hop"],
  tls_certificate_error: ["connection_terminated", "reset", "distrusts the next hop's certificate"],
  tls_alert_received: ["connection_terminated", "reset", "got a TLS alert from the next hop"],
  http_request_error: ["http_request_denied", "prohibited", "found fault with the request"],
  http_request_denied: ["http_request_denied", "prohibited", "denied the request"],
  http_response_incomplete: ["connection_terminated", "reset", "got half an answer"],
  http_response_header_section_size: ["connection_terminated", "reset", "got too long a head"],
  http_response_header_size: ["connection_terminated", "reset", "got too long a header line"],
  http_response_body_size: ["connection_terminated", "reset", "got too long a body"],
  http_response_trailer_section_size: ["connection_terminated", "reset", "got too long a trailer"],
  http_response_trailer_size: ["connection_terminated", "reset", "got too long a trailer line"],
  http_response_transfer_coding: ["connection_terminated", "reset", "could not decode the answer"],
  http_response_content_coding: ["connection_terminated", "reset", "could not decode the answer"],
  http_response_timeout: ["connection_timeout", "host-unreachable", "got no answer in time"],
  http_upgrade_failed: ["proxy_configuration_error", "network-unreachable", "could not upgrade"],
  http_protocol_error: ["connection_terminated", "reset", "got an answer that is not HTTP"],
  proxy_internal_response: ["proxy_internal_error", "network-unreachable", "answered by itself"],
  proxy_internal_error: ["proxy_internal_error", "network-unreachable", "failed inside"],
  proxy_configuration_error: [
    "proxy_configuration_error",
    "network-unreachable",
    "is misconfigured",
  ],
  proxy_loop_detected: ["proxy_loop_detected", "network-unreachable", "was led back to itself"],
};

/** `X-Squid-Error: ERR_CONNECT_FAIL 111`: the second word is an errno of Linux. */
const SQUID_ERRORS: Readonly<Record<string, string>> = {
  "ERR_CONNECT_FAIL 101": "destination_ip_unroutable",
  "ERR_CONNECT_FAIL 110": "connection_timeout",
  "ERR_CONNECT_FAIL 111": "connection_refused",
  "ERR_CONNECT_FAIL 113": "destination_ip_unroutable",
  ERR_DNS_FAIL: "dns_error",
  ERR_ACCESS_DENIED: "http_request_denied",
};

const NOT_A_CONNECT_PROXY = "does not offer CONNECT; check its address";

/** How a proxy may say that it knows connect-tcp alone (draft-ietf-httpbis-connect-tcp, section 5.2). */
const MAYBE_CONNECT_TCP =
  "does not offer CONNECT; check its address, or ask by connect-tcp (tcpTemplate, --tcp-template)";

/** Statuses that mean something by themselves. */
const STATUSES: Readonly<Record<number, Row>> = {
  400: ["http_request_denied", "prohibited", "found fault with the request"],
  401: ["proxy_authentication_required", "prohibited", "wants other credentials"],
  403: ["http_request_denied", "prohibited", "denied the request"],
  404: ["proxy_configuration_error", "network-unreachable", NOT_A_CONNECT_PROXY],
  405: ["proxy_configuration_error", "network-unreachable", NOT_A_CONNECT_PROXY],
  407: ["proxy_authentication_required", "prohibited", "wants other credentials"],
  408: ["connection_timeout", "host-unreachable", "gave up waiting for the request"],
  421: ["proxy_configuration_error", "network-unreachable", "is not the one for this request"],
  426: ["proxy_configuration_error", "network-unreachable", MAYBE_CONNECT_TCP],
  429: ["connection_limit_reached", "host-unreachable", "says that this is too much"],
  451: ["http_request_denied", "prohibited", "denied the request for legal reasons"],
  500: ["proxy_internal_error", "network-unreachable", "failed inside"],
  501: ["proxy_configuration_error", "network-unreachable", MAYBE_CONNECT_TCP],
  502: ["connection_refused", "reset", "could not connect there"],
  503: ["destination_unavailable", "host-unreachable", "cannot serve this request for a while"],
  504: ["connection_timeout", "host-unreachable", "got no connection in time"],
  511: ["proxy_authentication_required", "prohibited", "wants a login to the network first"],
};

/** The statuses that ask for credentials. */
const AUTHENTICATION: ReadonlySet<number> = new Set([401, 407, 511]);

/** What is left, by the first digit. */
const CLASSES: Readonly<Record<number, Row>> = {
  1: ["proxy_internal_error", "network-unreachable", "switched to a protocol nobody asked for"],
  3: [
    "proxy_configuration_error",
    "network-unreachable",
    "redirects, which a tunnel cannot follow",
  ],
  4: ["http_request_denied", "prohibited", "denied the request"],
  5: ["proxy_internal_error", "network-unreachable", "failed inside"],
};

const UNKNOWN: Row = ["proxy_internal_error", "network-unreachable", "gave an unknown status"];

/**
 * Says what a refusal means. `target` is for the operator's sentence, for instance `example.com:443`.
 *
 * @example Two answers with the same status
 * ```ts
 * import { outcomeOf } from "./outcome.ts";
 *
 * const bare = outcomeOf({ status: 502 }, "example.com:443");
 * const exact = outcomeOf({ status: 502, proxyStatus: "p; error=dns_error" }, "example.com:443");
 * if (bare.refusal !== "reset" || exact.refusal !== "host-unreachable") throw new Error("unexpected");
 * ```
 */
export function outcomeOf(answer: Answer, target: string): Outcome {
  const { status } = answer;
  // The first member that names an error is the one nearest to the origin, so nearest to the cause.
  const named = parseProxyStatus(answer.proxyStatus ?? "").find((s) => s.error !== undefined);
  const type = named?.error ?? squidErrorType(answer.squidError);
  const byType = type !== undefined && Object.hasOwn(ERROR_TYPES, type) ? type : undefined;
  // RFC 9209 has no type for credentials: "denied" with 407 is theirs, and only the operator can help.
  const isStatusExact = byType === "http_request_denied" && AUTHENTICATION.has(status);
  const [kind, refusal, sentence] = byType === undefined || isStatusExact
    ? byStatus(status)
    : ERROR_TYPES[byType];

  const facts = [byType, `status ${status}`].filter((fact) => fact !== undefined).join(", ");
  const said = named?.details ? `: "${printable(named.details)}"` : "";
  return {
    kind,
    refusal,
    status,
    detail: `Asked for ${printable(target)}, the proxy ${sentence} (${facts})${said}`,
  };
}

/** An {@linkcode Outcome} for when there was no answer to read. `detail` is one sentence without a final period. */
export function unanswered(kind: OutcomeKind, detail: string): Outcome {
  return { kind, refusal: UNANSWERED_REFUSALS[kind] ?? "network-unreachable", status: 0, detail };
}

const UNANSWERED_REFUSALS: Readonly<Partial<Record<OutcomeKind, Refusal>>> = {
  cancelled: "reset",
  connection_limit_reached: "host-unreachable",
  connection_terminated: "reset",
  connection_timeout: "host-unreachable",
  udp_unsupported: "port-unreachable",
};

function byStatus(status: number): Row {
  return STATUSES[status] ?? CLASSES[Math.trunc(status / 100)] ?? UNKNOWN;
}

function squidErrorType(value: string | null | undefined): string | undefined {
  if (!value) return undefined;
  return SQUID_ERRORS[value] ?? SQUID_ERRORS[value.split(" ", 1)[0]];
}

/** Foreign text in a line for a terminal: printable ASCII, and not much of it. */
function printable(text: string): string {
  return text.slice(0, MAX_FOREIGN_LENGTH).replace(/[^\x20-\x7e]/g, "?");
}

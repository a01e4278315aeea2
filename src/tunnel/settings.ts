/**
 * What every road to a proxy needs to know, and how a failure to reach it is told.
 *
 * @module
 */

import { ProxyError } from "../errors.ts";
import { checkFields } from "../masque/h1_request.ts";
import { unanswered } from "../masque/outcome.ts";
import { type DialTarget, type Trust } from "./connection/dial.ts";

/** Deadlines and keep-alive, all tunable. */
export interface TunnelTimeouts {
  /** For name, TCP and TLS together. Default 10 s. */
  readonly dialMs?: number;
  /** From the request to the head of the answer. Default 60 s, because the proxy itself may try for that long. */
  readonly answerMs?: number;
  /** Silence after which a connection with open tunnels is asked whether it lives. Default 3 s. */
  readonly pingIdleMs?: number;
  /** Further silence after which it is given up. Default 2 s. */
  readonly pingWaitMs?: number;
  /** After the proxy was not to be reached: until the next attempt. Doubles with each. Default 200 ms, of which up to a half is left to chance. */
  readonly retryMs?: number;
  /** The longest time until the next attempt. Default 30 s. */
  readonly retryMaxMs?: number;
  /** `auto`: after HTTP/3 failed, until it is tried again. Doubles with each failure, up to an hour. Default 30 s. */
  readonly http3RetryMs?: number;
}

/** How a proxy is asked for UDP. */
export interface UdpSettings {
  /** A URI Template that RFC 9298, section 2, allows. */
  readonly template: string;
  /** Asks with the method CONNECT-UDP of draft-ietf-masque-connect-udp-03, over HTTP/1.1. */
  readonly draft03: boolean;
}

/** How a proxy is asked for TCP at a resource of its own. */
export interface TcpSettings {
  /** A URI Template with the rules of that for UDP. */
  readonly template: string;
}

/** A proxy as the roads see it. */
export interface ProxySettings {
  readonly scheme: "http" | "https";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly trust: Trust;
  /** Fields of every request, `proxy-authorization` included. */
  readonly fields: readonly (readonly [string, string])[];
  readonly timeouts: Required<TunnelTimeouts>;
  readonly udp: UdpSettings;
  /** Present where TCP goes by connect-tcp, absent where it goes by CONNECT. */
  readonly tcp?: TcpSettings;
  /** The proxy without secrets, for the operator: `https://proxy.example`. */
  readonly name: string;
}

/** The deadlines when nobody says otherwise. */
export const DEFAULT_TIMEOUTS: Required<TunnelTimeouts> = {
  dialMs: 10_000,
  answerMs: 60_000,
  pingIdleMs: 3_000,
  pingWaitMs: 2_000,
  retryMs: 200,
  retryMaxMs: 30_000,
  http3RetryMs: 30_000,
};

/** Where to dial, offering the protocols `alpn`. */
export function dialTarget(proxy: ProxySettings, alpn: readonly string[]): DialTarget {
  const { hostname, port, scheme, trust } = proxy;
  return { hostname, port, tls: scheme === "https" ? { ...trust, alpn } : undefined };
}

/** The fields of one request: those of every one, overridden by the caller's. Throws a `TypeError` on one that cannot be sent. */
export function requestFields(
  proxy: ProxySettings,
  extra: HeadersInit | undefined,
): (readonly [string, string])[] {
  const headers = new Headers(proxy.fields.map(([name, value]): [string, string] => [name, value]));
  for (const [name, value] of new Headers(extra)) headers.set(name, value);
  return checkFields(headers);
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there; check the address and that the proxy runs",
  ENOTFOUND: "its name does not resolve; check the spelling and the resolver",
  EAI_AGAIN: "its name does not resolve for a while; check the resolver",
  EHOSTUNREACH: "there is no way to that host",
  ENETUNREACH: "there is no way to that network",
  ERR_PIN: "its certificate is not the pinned one; check the fingerprint and who answers there",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for other names; use one of those",
};

/** How the runtime tells that the proxy wants, or does not like, our certificate (RFC 8446, section 6.2). */
const CERTIFICATE_ALERT = /alert.*(?:certificate|unknown_?ca|access_?denied)/i;

const NO_CERTIFICATE =
  "it wants a client certificate that it trusts; give one (clientCert and clientKey, --client-cert and --client-key)";

/** What is left to see where the alert was lost to the reset behind it: TLS stood, and the next thing was the end. */
const ENDED_AT_ONCE = /EPIPE|closed the HTTP\/2 connection/;

const MAYBE_NO_CERTIFICATE =
  "it closed the connection as soon as TLS stood; maybe it wants a client certificate that it trusts (clientCert and clientKey, --client-cert and --client-key)";

const DISTRUST = /CERT|SELF_SIGNED|UNABLE_TO|ISSUER|invalid peer certificate|certificate/i;

/** A `ProxyError` for a proxy that could not be reached. */
export function unreachable(proxy: ProxySettings, cause: unknown): ProxyError {
  const { code = "", message = String(cause) } = cause as { code?: string; message?: string };
  const isTls = proxy.scheme === "https";
  const why = WORDS[code] ?? whyBroken(cause) ??
    (isTls && ENDED_AT_ONCE.test(`${code} ${message}`) ? MAYBE_NO_CERTIFICATE : undefined) ??
    (DISTRUST.test(`${code} ${message}`)
      ? `its certificate is not trusted (${message}); give its authority (caCerts, --ca) or its fingerprint (pin, --pin)`
      : message);
  const outcome = unanswered(
    "proxy_unreachable",
    `Could not reach the proxy ${proxy.name}: ${why}`,
  );
  return new ProxyError(outcome, { cause });
}

/** What an error that broke a connection means, where the operator can do something about it. */
export function whyBroken(failure: unknown): string | undefined {
  const { message = "" } = (failure ?? {}) as { message?: string };
  return CERTIFICATE_ALERT.test(message) ? NO_CERTIFICATE : undefined;
}

/** A `ProxyError` for a proxy that was reached and then gave no answer, or none that can be read. */
export function noAnswer(
  proxy: ProxySettings,
  kind:
    | "proxy_unreachable"
    | "connection_timeout"
    | "connection_terminated"
    | "proxy_internal_error",
  why: string,
): ProxyError {
  return new ProxyError(unanswered(kind, `Got no answer from the proxy ${proxy.name}: ${why}`));
}

/** Whether `error` says that the proxy could not be reached, so that another road may be taken. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof ProxyError && error.outcome.kind === "proxy_unreachable";
}

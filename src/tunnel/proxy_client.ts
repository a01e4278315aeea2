/**
 * Finds the road to a proxy: HTTP/2 where the proxy offers it, HTTP/1.1 elsewhere, HTTP/3 where that is asked for.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { checkFields } from "../masque/h1_request.ts";
import { checkTcpTemplate, checkUdpTemplate, DEFAULT_UDP_PATH } from "../masque/uri_template.ts";
import { alpnOf } from "./connection/connection.ts";
import { authorizerOf, type Credentials } from "./credentials/authorizer.ts";
import type { Authorizer } from "./credentials/secret.ts";
import { parsePin, type Trust } from "./connection/dial.ts";
import { overFetch } from "./fetch/road.ts";
import type { FetchLike } from "./fetch/exchange.ts";
import { H1Client } from "./h1/client.ts";
import { H2Client } from "./h2/client.ts";
import { obstacleToHttp3 } from "./h3/dial.ts";
import { H3Client } from "./h3/client.ts";
import { AutoClient } from "./road/auto.ts";
import { Reach } from "./road/reach.ts";
import { type ConnectedProxy, Road } from "./road/road.ts";
import type { VersionClient } from "./road/version_client.ts";
import { through } from "./road/via.ts";
import { DEFAULT_TIMEOUTS, type ProxySettings, type TunnelTimeouts } from "./settings.ts";
import type { ProxyClient } from "./tunnel.ts";

/**
 * How to speak to a proxy. At most one of `token`, `basic`, `privacyToken`, `privateTokens`; the URL's own user and password serve as `basic`.
 * A 407 is answered once, where there is another secret than the one refused.
 */
export interface ConnectProxyOptions extends Trust, Credentials {
  /**
   * `auto` races HTTP/3 with what TLS agrees on, and takes HTTP/1.1 in the clear; `2` in the clear is HTTP/2 with prior knowledge. `3` needs the runtime's QUIC
   * (`--unstable-net`), and trusts `caCerts` beside the public authorities. `fetch` is a streaming POST for each tunnel.
   */
  readonly http?: "auto" | "3" | "2" | "1.1" | "fetch";
  /**
   * For `http: "fetch"`: a `fetch` of one's own. It must send a request's body while it receives the response's, as those of Deno, Node.js and
   * edge platforms do; it owns its connections and decides whom to trust.
   */
  readonly fetch?: FetchLike;
  /** Further fields of every request. */
  readonly headers?: HeadersInit;
  /**
   * Asks for TCP by connect-tcp (draft-ietf-httpbis-connect-tcp) at the resource that this URI Template names, in place of CONNECT: for
   * proxies beside other services of one origin. With `{target_host}` and `{target_port}`, as for UDP.
   */
  readonly tcpTemplate?: string;
  /**
   * Where the proxy takes requests for UDP: a URI Template with `{target_host}` and `{target_port}` (RFC 9298, section 2). By default
   * `/.well-known/masque/udp/{target_host}/{target_port}/` at the proxy's URL.
   */
  readonly udpTemplate?: string;
  /** Asks for UDP as draft-ietf-masque-connect-udp-03 has it, one connection of HTTP/1.1 a tunnel: for older proxies (h2o, INVISV relays). */
  readonly udpDraft03?: boolean;
  /**
   * A proxy to reach this one through: every connection is then a tunnel of that one, which may be at the end of a chain itself, and speak any
   * version. It learns where this proxy is, this proxy learns where the flows go, and neither learns both. Close it after this one.
   */
  readonly via?: ProxyClient;
  /** Gives the first connection up. */
  readonly signal?: AbortSignal;
  /** Deadlines. */
  readonly timeouts?: TunnelTimeouts;
  /** Where the proxy's comings and goings are told; by default nowhere. */
  readonly log?: Log;
}

/**
 * Connects to a proxy once, so that a wrong address, a wrong certificate or a wrong protocol is told at the start; from then on
 * connections come and go as flows need them, and a proxy that restarts is found again.
 *
 * Rejects with a `ProxyError` when the proxy cannot be reached, with the signal's reason, and with a `TypeError` on options that make no sense.
 *
 * @example A wrong scheme is told at once
 * ```ts
 * import { connectProxy } from "./proxy_client.ts";
 *
 * const error = await connectProxy("ftp://proxy.example").catch((error) => error);
 * if (!(error instanceof TypeError)) throw new Error("unexpected");
 * ```
 */
export async function connectProxy(
  url: string | URL,
  options: ConnectProxyOptions = {},
): Promise<ConnectedProxy> {
  const parsed = parseUrl(url);
  const proxy = settingsOf(parsed, options);
  const authorizer = authorizerFor(parsed, options);
  const { http = "auto", signal = new AbortController().signal, log, via } = options;
  if (http === "fetch") {
    const client = await overFetch(proxy, options);
    return new Road({ client, reaches: [], authorizer, log, name: proxy.name });
  }
  if (options.fetch !== undefined) {
    throw new TypeError('Cannot use a fetch of your own over another road: give http "fetch", too');
  }
  const alpn = { auto: ["h2", "http/1.1"], "3": ["h3"], "2": ["h2"], "1.1": ["http/1.1"] }[http];
  if (alpn === undefined) {
    throw new TypeError(
      `Cannot speak HTTP "${http}" to a proxy: use "auto", "3", "2", "1.1" or "fetch"`,
    );
  }
  const reach = new Reach(proxy, via && through(via, proxy));
  const reaches = [reach];
  try {
    const tcp = (signal: AbortSignal) => firstClient(proxy, reach, alpn, signal, via);
    const obstacle = via === undefined ? obstacleToHttp3(proxy) : ASKED_FOR;
    const isRace = http === "auto" && obstacle === undefined;
    if (http === "auto" && obstacle !== undefined && proxy.scheme === "https") {
      log?.info(`HTTP/3 is not tried: ${obstacle}`);
    }
    const client = isRace ? await raceVersions(proxy, tcp, reaches, options) : await tcp(signal);
    return new Road({ client, reaches, authorizer, log, name: proxy.name, via });
  } catch (error) {
    for (const reach of reaches) reach.close();
    throw error;
  }
}

/** Within a tunnel no UDP is blocked, and QUIC inside of what resends by itself is the slower one. */
const ASKED_FOR = "inside another proxy's tunnel it is for those who ask for it";

/** HTTP/3 against the versions over TCP; UDP is another way to the proxy, and reached or not by itself. */
function raceVersions(
  proxy: ProxySettings,
  openTcp: (signal: AbortSignal) => Promise<VersionClient>,
  reaches: Reach[],
  { log, signal = new AbortController().signal }: ConnectProxyOptions,
): Promise<VersionClient> {
  const reach = new Reach(proxy);
  reaches.push(reach);
  const climb = {
    hurry: () => reach.hurry(),
    open: (port = proxy.port, signal: AbortSignal) =>
      H3Client.connect({ ...proxy, port }, { reach, signal }),
  };
  return AutoClient.start({
    climb,
    openTcp,
    port: proxy.port,
    climbMs: proxy.timeouts.http3RetryMs,
    onChange: (words) => log?.info(`${proxy.name}: ${words}`),
  }, signal);
}

async function firstClient(
  proxy: ProxySettings,
  reach: Reach,
  alpn: readonly string[],
  signal: AbortSignal,
  via: ProxyClient | undefined,
): Promise<VersionClient> {
  if (alpn[0] === "h3") return await H3Client.connect(proxy, { reach, signal, via });
  const connection = await reach.dial(alpn, signal);
  const isHttp1 = alpn.length > 1 ? alpnOf(connection) !== "h2" : alpn[0] !== "h2";
  if (!isHttp1) return await H2Client.over(connection, proxy, reach);
  if (alpn.length === 1 || proxy.scheme === "http") return new H1Client(proxy, connection, reach);
  connection.reset(); // TLS that could have been HTTP/2 is of the kind that HTTP/1.1 must not use, see `dial.ts`
  const client = new H1Client(proxy, undefined, reach);
  await client.warm(signal); // so that no flow waits for what was to be learnt
  return client;
}

function authorizerFor(url: URL, options: ConnectProxyOptions): Authorizer {
  const { token, basic = userOf(url), privacyToken, privateTokens } = options;
  return authorizerOf({ token, basic, privacyToken, privateTokens });
}

function settingsOf(parsed: URL, options: ConnectProxyOptions): ProxySettings {
  const scheme = parsed.protocol === "https:" ? "https" : "http";
  if (options.pin !== undefined) parsePin(options.pin);
  const { caCerts, pin, insecure, clientCert, clientKey } = options;
  const { headers, udpTemplate, udpDraft03 = false, tcpTemplate } = options;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new TypeError("Cannot use clientCert and clientKey without each other: give both");
  }
  const template = udpTemplate ?? `${scheme}://${parsed.host}${DEFAULT_UDP_PATH}`;
  return {
    scheme,
    hostname: parsed.hostname.replace(/^\[|\]$/g, ""),
    port: Number(parsed.port) || (scheme === "https" ? 443 : 80),
    trust: { caCerts, pin, insecure, clientCert, clientKey },
    fields: checkFields(new Headers(headers)),
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    udp: { template: checkUdpTemplate(template), draft03: udpDraft03 },
    tcp: tcpTemplate === undefined ? undefined : { template: checkTcpTemplate(tcpTemplate) },
    name: `${scheme}://${parsed.host}`,
  };
}

function parseUrl(url: string | URL): URL {
  // The text itself stays out of the messages: it may hold a password.
  const parsed = URL.parse(String(url));
  if (parsed === null) {
    throw new TypeError("Cannot read the proxy's URL: write it as https://HOST[:PORT]");
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    throw new TypeError(
      `Cannot reach a proxy by "${parsed.protocol}": its URL begins with https:// or http://`,
    );
  }
  if (parsed.pathname !== "/" || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError("Cannot use a proxy's URL with a path: write it as https://HOST[:PORT]");
  }
  return parsed;
}

function userOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
}

/**
 * The road to the proxy that `run` and `up` share: the user's proxy, or the embedded one in this process.
 *
 * @module
 */

import type { Log } from "../log.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "../proxy/limits.ts";
import { serveProxy } from "../proxy/proxy.ts";
import { connectProxy } from "../tunnel/proxy_client.ts";
import type { ProxyClient } from "../tunnel/tunnel.ts";
import type { TunnelOptions } from "./options.ts";

/** Bits of the embedded proxy's token: nobody guesses 256. */
const TOKEN_BYTES = 32;

/** Nobody else shares the embedded proxy, so what one client may have is all there is. */
const EMBEDDED_LIMITS: Partial<ProxyLimits> = {
  connectionsPerClient: DEFAULT_LIMITS.connections,
  flowsPerClient: DEFAULT_LIMITS.flows,
  // RFC 5382, section 5: what is idle for less than two hours and four minutes is not given up on the way.
  idleTimeoutMs: 7_440_000,
  udpIdleTimeoutMs: 7_440_000, // the stack has its own idea of how long an association lives
};

/** A client of a proxy, with whatever lives as long as it. */
export interface Road extends AsyncDisposable {
  readonly client: ProxyClient;
}

/** Connects to the proxy that the options name; gives up when `signal` aborts. */
export async function openRoad(
  options: TunnelOptions,
  log: Log,
  signal?: AbortSignal,
): Promise<Road> {
  const { proxy, http, credentials, headers, ca, pin, insecure } = options;
  const { udpTemplate, udpDraft03 } = options;
  if (proxy === "embedded") return await openEmbedded(options, log, signal);
  const client = await connectProxy(proxy, {
    http,
    ...credentials,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    caCerts: ca === undefined ? undefined : [ca],
    pin,
    insecure,
    udpTemplate,
    udpDraft03,
    signal,
    log,
  });
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/**
 * The whole road within this process: TLS on loopback, a pinned certificate, a token. Every target is open, for nobody but
 * this process knows the token, and whoever started it reaches these targets anyway.
 */
async function openEmbedded(
  { http, headers, udpDraft03 }: TunnelOptions,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<Road> {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex();
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await serveProxy({ token, allow: ["0.0.0.0/0", "::/0"], limits: EMBEDDED_LIMITS, log }),
  );
  const client = stack.use(
    await connectProxy(server.url, {
      http,
      token,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      pin: server.certificateSha256,
      udpDraft03,
      signal,
    }),
  );
  const all = stack.move();
  return { client, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** What must not reach a line of the log. */
export function secretsOf({ credentials, headers }: TunnelOptions): string[] {
  const { token, basic, privacyToken } = credentials;
  const password = basic?.slice(basic.indexOf(":") + 1);
  const encoded = basic === undefined ? undefined : new TextEncoder().encode(basic).toBase64();
  const secretHeaders = headers.filter(([name]) => /authorization|cookie/i.test(name));
  return [token, basic, encoded, password, privacyToken, ...secretHeaders.map(([, value]) => value)]
    .filter((secret) => secret !== undefined);
}

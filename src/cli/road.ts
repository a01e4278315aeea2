/**
 * The road to the proxy that `run` and `up` share: the user's proxy, or the embedded one in this process.
 *
 * @module
 */

import { type Log, SILENT } from "../log.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "../proxy/limits.ts";
import { serveProxy } from "../proxy/proxy.ts";
import { connectProxy } from "../tunnel/proxy_client.ts";
import type { ProxyClient } from "../tunnel/tunnel.ts";
import type { Secret } from "../tunnel/credentials/secret.ts";
import type { Credentials } from "../tunnel/credentials/authorizer.ts";
import { commandSecret, commandTokens, fileSecret, fileTokens } from "./secret_sources.ts";
import type { TunnelOptions } from "./tunnel_options.ts";
import { UsageError } from "./usage_error.ts";

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
  /** How others reach the same proxy. */
  readonly options: TunnelOptions;
}

/**
 * Connects to the proxy that the options name, through those before it; gives up when `signal` aborts. `learn` hears of secrets that come
 * up later.
 *
 * @throws {UsageError} If this machine, or this way of starting Deno, cannot do what they ask for
 */
export async function openRoad(
  options: TunnelOptions,
  log: Log,
  signal?: AbortSignal,
  learn: (secret: string) => void = () => {},
): Promise<Road> {
  try {
    return await open(options, log, signal, learn);
  } catch (error) {
    // What the library takes for a caller's mistake is one on the command line; its sentence says what to do.
    throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
  }
}

async function open(
  options: TunnelOptions,
  log: Log,
  signal: AbortSignal | undefined,
  learn: (secret: string) => void,
): Promise<Road> {
  if (options.proxy === "embedded") return await openEmbedded(options, log, signal);
  await using stack = new AsyncDisposableStack();
  const via = options.via === undefined
    ? undefined
    : stack.use(await openRoad(options.via, log, signal, learn)).client;
  const client = stack.use(await openHop(options, { log, signal, via, learn }));
  const all = stack.move();
  return { client, options, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

interface HopOptions {
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly via?: ProxyClient;
  readonly learn: (secret: string) => void;
}

function openHop(options: TunnelOptions, { log, signal, via, learn }: HopOptions) {
  const { proxy, http, headers, ca, pin, insecure, identity } = options;
  const { ping, tcpTemplate, udpTemplate, udpDraft03 } = options;
  return connectProxy(proxy, {
    http,
    ...credentialsOf(options, log, learn),
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    caCerts: ca === undefined ? undefined : [ca],
    pin,
    insecure,
    clientCert: identity?.cert,
    clientKey: identity?.key,
    timeouts: ping && { pingIdleMs: ping.idle * 1_000, pingWaitMs: ping.wait * 1_000 },
    tcpTemplate,
    udpTemplate,
    udpDraft03,
    via,
    signal,
    log,
  });
}

/** Secrets that were read from somewhere are read from there again. */
function credentialsOf(
  { credentials, credentialsFile, tokenCommand, privateTokens }: TunnelOptions,
  log: Log,
  learn: (secret: string) => void,
): Credentials {
  const watch = { log, learn };
  if (tokenCommand !== undefined) return { token: commandSecret(tokenCommand, watch) };
  if (privateTokens !== undefined) {
    const source = "file" in privateTokens
      ? fileTokens(privateTokens.file, log)
      : commandTokens(privateTokens.command, log);
    return { privateTokens: source };
  }
  if (credentialsFile === undefined) return credentials;
  const [[kind, text]] = Object.entries(credentials);
  const secret: Secret = fileSecret(credentialsFile, text, watch);
  return { [kind]: secret };
}

/**
 * The whole road within this process: TLS on loopback, a pinned certificate, a token. Every target is open, for nobody but
 * this process knows the token, and whoever started it reaches these targets anyway.
 */
async function openEmbedded(
  { http, headers, udpDraft03, tcpTemplate }: TunnelOptions,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<Road> {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex();
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await serveProxy({
      token,
      allow: ["0.0.0.0/0", "::/0"],
      http3: http === "3", // within one process QUIC only costs
      limits: EMBEDDED_LIMITS,
      log,
    }),
  );
  const options: TunnelOptions = {
    proxy: new URL(server.url),
    http: http === "auto" ? "2" : http, // within one machine there is nothing to race
    credentials: { token },
    headers,
    ...(http === "fetch" ? { ca: server.certificate } : { pin: server.certificateSha256 }),
    insecure: false,
    tcpTemplate,
    udpDraft03,
  };
  const { client } = stack.use(await openRoad(options, SILENT, signal));
  const all = stack.move();
  return { client, options, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Secrets that are kept out of the log at once: those of a day when a token is exchanged every minute or two. */
const MAX_SECRETS = 1_000;

/** Takes further secrets into a list of them; the oldest are forgotten. */
export function learnInto(secrets: string[]): (secret: string) => void {
  return (secret) => {
    if (secrets.includes(secret)) return;
    if (secrets.push(secret) > MAX_SECRETS) secrets.shift();
  };
}

/** What must not reach a line of the log. */
export function secretsOf({ credentials, headers, via }: TunnelOptions): string[] {
  const { token, basic, privacyToken } = credentials;
  const password = basic?.slice(basic.indexOf(":") + 1);
  const encoded = basic === undefined ? undefined : new TextEncoder().encode(basic).toBase64();
  const secretHeaders = headers.filter(([name]) => /authorization|cookie/i.test(name));
  const ours = [token, basic, encoded, password, privacyToken];
  return [...ours, ...secretHeaders.map(([, value]) => value)]
    .filter((secret) => secret !== undefined)
    .concat(via === undefined ? [] : secretsOf(via));
}

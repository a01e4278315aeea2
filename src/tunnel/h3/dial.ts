/**
 * A QUIC connection to a proxy.
 *
 * @module
 */

import { abortable } from "../abortable.ts";
import { lookup } from "node:dns/promises";
import { ALPN, quicIsAvailable, WITHOUT_QUIC } from "../../http3/runtime.ts";
import { parseIp } from "../../wire/address.ts";
import { parsePin } from "../connection/dial.ts";
import type { ProxySettings } from "../settings.ts";

/** A QUIC connection that stands. */
export interface QuicConnection {
  readonly conn: Deno.QuicConn;
  /** The proxy's IP address; absent inside another tunnel. */
  readonly remoteAddress?: string;
  /** Gives the socket back, once the connection is over. */
  release(): void;
}

/** The next address is tried so long after the one before it (RFC 8305, section 5). */
const NEXT_ADDRESS_MS = 250;

/** As many streams as HTTP/3 has uses for, with room for those that nobody knows (RFC 9114, section 6.2). */
const MAX_UNIDIRECTIONAL_STREAMS = 16;

/** What the runtime takes and its types do not tell: the only certificate to be trusted, as `WebTransport` has it. */
interface PinnedOptions extends Deno.ConnectQuicOptions<false> {
  readonly serverCertificateHashes?: readonly {
    readonly algorithm: "sha-256";
    readonly value: Uint8Array;
  }[];
}

/** Why this proxy cannot be asked over HTTP/3 at all, in half a sentence; `undefined` when it can be tried. */
export function obstacleToHttp3({ scheme, trust }: ProxySettings): string | undefined {
  if (!quicIsAvailable()) return WITHOUT_QUIC;
  if (scheme !== "https") return "it is always encrypted; write the proxy's URL with https://";
  if (trust.clientCert !== undefined) return "QUIC here cannot show a client certificate";
  if (trust.insecure && trust.pin === undefined) {
    return "QUIC here cannot do without trust; pin the certificate (pin, --pin)";
  }
}

/**
 * Connects. A name with several addresses has them tried one after the other, each with a head start (RFC 8305). Rejects with the signal's
 * reason, or with an `Error` that has a `code` where there is one, as `dial` does.
 *
 * `hostname` is where the proxy is dialled, when that is not where its name leads. Certificates in `trust.caCerts` are trusted beside the public authorities, and not in their place as over TCP: the runtime offers nothing else.
 */
export async function dialQuic(
  proxy: ProxySettings,
  signal: AbortSignal,
  hostname: string = proxy.hostname,
): Promise<QuicConnection> {
  const giveUp = new AbortController();
  const { dialMs } = proxy.timeouts;
  const timer = setTimeout(() => giveUp.abort(timedOut(dialMs)), dialMs);
  const either = AbortSignal.any([signal, giveUp.signal]);
  try {
    const addresses = await abortable(addressesOf(hostname), either);
    return await firstOf(addresses, (address, lost) => connect(proxy, address, lost), either);
  } finally {
    clearTimeout(timer);
    giveUp.abort(); // those that came in second
  }
}

async function addressesOf(hostname: string): Promise<string[]> {
  if (parseIp(hostname) !== undefined) return [hostname];
  const records = await lookup(hostname, { all: true });
  return records.map(({ address }) => address);
}

/** The first connection that stands; the last failure when none does. */
async function firstOf(
  addresses: readonly string[],
  open: (address: string, signal: AbortSignal) => Promise<QuicConnection>,
  signal: AbortSignal,
): Promise<QuicConnection> {
  const attempts: Promise<QuicConnection>[] = [];
  let hasWon = false;
  for (const [index, address] of addresses.entries()) {
    const attempt = open(address, signal).then((connection) => {
      if (hasWon) {
        connection.release();
        throw new Error("another address was faster");
      }
      hasWon = true;
      return connection;
    });
    attempt.catch(() => {});
    attempts.push(attempt);
    if (index === addresses.length - 1) break;
    const { promise: soon, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, NEXT_ADDRESS_MS);
    await Promise.race([soon, attempt.then(() => {}, () => {})]);
    clearTimeout(timer);
    if (hasWon) break;
  }
  try {
    return await Promise.any(attempts);
  } catch (error) {
    signal.throwIfAborted();
    throw (error as AggregateError).errors.at(-1);
  }
}

async function connect(
  proxy: ProxySettings,
  address: string,
  signal: AbortSignal,
): Promise<QuicConnection> {
  signal.throwIfAborted();
  // A socket of its own: closing it is the only way to give an attempt up.
  const endpoint = new Deno.QuicEndpoint({ hostname: address.includes(":") ? "::" : "0.0.0.0" });
  const release = () => endpoint.close();
  signal.addEventListener("abort", release);
  try {
    const conn = await Deno.connectQuic(optionsOf(proxy, address, endpoint));
    signal.throwIfAborted();
    return { conn, remoteAddress: address, release };
  } catch (error) {
    release();
    signal.throwIfAborted();
    throw told(error, proxy);
  } finally {
    signal.removeEventListener("abort", release);
  }
}

function optionsOf(
  { hostname, port, trust, timeouts }: ProxySettings,
  address: string,
  endpoint: Deno.QuicEndpoint,
): PinnedOptions {
  const { caCerts, pin } = trust;
  const { pingIdleMs, pingWaitMs } = timeouts;
  return {
    hostname: address,
    port,
    serverName: hostname,
    alpnProtocols: [ALPN],
    caCerts: caCerts && [...caCerts],
    endpoint,
    serverCertificateHashes: pin === undefined
      ? undefined
      : [{ algorithm: "sha-256", value: Uint8Array.fromHex(parsePin(pin)) }],
    // A PING starts the idle time anew (RFC 9000, section 10.1): silence is noticed after both times together, as over HTTP/2.
    keepAliveInterval: Math.ceil(pingIdleMs / 2),
    maxIdleTimeout: Math.ceil(pingIdleMs / 2) + pingWaitMs,
    maxConcurrentUnidirectionalStreams: MAX_UNIDIRECTIONAL_STREAMS,
  };
}

/** Words of QUIC and TLS as codes that `unreachable` has sentences for. */
function told(error: unknown, { trust }: ProxySettings): unknown {
  const { message = "" } = error as { message?: string };
  const code = /invalid peer certificate/.test(message) && trust.pin !== undefined
    ? "ERR_PIN"
    : /certificate not valid for name/.test(message)
    ? "ERR_TLS_CERT_ALTNAME_INVALID"
    : undefined;
  if (code !== undefined) return Object.assign(new Error(message, { cause: error }), { code });
  if (/timed out/.test(message)) {
    return Object.assign(
      new Error("nobody answers QUIC there; check that UDP passes, or ask for http 2"),
      { code: "ETIMEDOUT" },
    );
  }
  if (/any known protocol/.test(message)) {
    return new Error("it does not offer HTTP/3 by ALPN; ask for http 2", { cause: error });
  }
  return error;
}

function timedOut(ms: number): Error {
  const message = `no QUIC connection within ${ms / 1000} s`;
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

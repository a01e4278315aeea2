/**
 * A connection to a host and a port, in the clear or in TLS.
 *
 * Everything goes through `node:net` and `node:tls`, because two needs are met nowhere else in Deno 2.9: a real RST
 * (`resetAndDestroy`; closing a `Deno.TcpConn` sends a FIN, so a truncated upload would look complete), and the peer's certificate for an
 * exact pin. It costs nothing: reading through `node:net` measured faster than `Deno.Conn`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import * as net from "node:net";
import type { Duplex } from "node:stream";
import * as tls from "node:tls";
import { type Connection, failureOf, overSocket } from "./connection.ts";
import { connectTcp } from "../road/addresses.ts";
import { CipherPipe } from "./tls_over.ts";

/** How the other side proves who it is. */
export interface Trust {
  /** PEM certificates to trust, in place of the public authorities. */
  readonly caCerts?: readonly string[];
  /** SHA-256 of the DER of the exact certificate, 64 hexadecimal digits with or without colons; chain, name and dates then do not matter. */
  readonly pin?: string;
  /** Takes any certificate. */
  readonly insecure?: boolean;
  /** Who we are to the other side: a certificate chain in PEM. */
  readonly clientCert?: string;
  /** The private key of that certificate, in PEM. */
  readonly clientKey?: string;
}

/** Where to, and how. */
export interface DialTarget {
  /** A name or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** TLS with these ALPN names; absent for the clear. */
  readonly tls?: Trust & { readonly alpn: readonly string[] };
}

/** How long, and until whom. */
export interface DialOptions {
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
  /** For name, TCP and TLS together. */
  readonly timeoutMs?: number;
}

/** As long as a person waits; Linux itself would try for about 130 s (`tcp_syn_retries`). */
export const DIAL_TIMEOUT_MS = 10_000;

/** Idle time before the kernel probes a silent peer, so that a tunnel to a machine that vanished ends at last. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Connects; a name with several addresses has them tried in turn (RFC 8305). Rejects with the signal's reason, or with an `Error` that
 * has a `code` as `node:net` and `node:tls` give it (`ETIMEDOUT` after `timeoutMs`, `ERR_PIN` for the wrong certificate).
 *
 * The connection sends small writes at once, stays open for writing after the peer's FIN, and never throws for want of
 * an `error` listener.
 */
export async function dial(target: DialTarget, options: DialOptions = {}): Promise<Connection> {
  const { signal, timeoutMs = DIAL_TIMEOUT_MS } = options;
  const pin = target.tls?.pin === undefined ? undefined : parsePin(target.tls.pin);
  signal?.throwIfAborted();
  const { hostname: host, port } = target;
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(coded("ETIMEDOUT", `no connection within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const cancel = () => deadline.abort(signal?.reason);
  signal?.addEventListener("abort", cancel);
  try {
    const socket = await connectTcp(host, port, deadline.signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return target.tls === undefined
      ? overSocket(socket)
      : await inTls(socket, host, target.tls, pin, deadline.signal);
  } catch (error) {
    const isVague = (error as { code?: string }).code === VAGUE;
    throw (isVague && await whenOutOfDate(target, deadline.signal)) || error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

/** What Deno 2.9 says of every certificate that does not convince it, also of one that would but for its dates. */
const VAGUE = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

/** Looks at the certificate once more, to tell the operator when it is out of date: nothing is sent on this connection. */
async function whenOutOfDate(
  { hostname, port, tls }: DialTarget,
  signal: AbortSignal,
): Promise<Error | undefined> {
  try {
    const raw = await connectTcp(hostname, port, signal);
    const settings = { ...tls, alpn: tls?.alpn ?? [], insecure: true };
    const socket = await secure(raw, hostname, settings, undefined, signal);
    const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
    socket.destroy();
    raw.destroy();
    if (Date.parse(to) < Date.now()) return coded("CERT_HAS_EXPIRED", `it expired on ${to}`);
    if (Date.parse(from) > Date.now()) {
      return coded("CERT_NOT_YET_VALID", `it is valid from ${from} on`);
    }
  } catch {
    return undefined; // the first failure is the one to be told
  }
}

async function inTls(
  socket: net.Socket,
  host: string,
  settings: NonNullable<DialTarget["tls"]>,
  pin: string | undefined,
  signal: AbortSignal,
): Promise<Connection> {
  // HTTP/2 has its own windows, ends and resets, so it takes the faster road of node:tls with the faults that CipherPipe cures.
  if (settings.alpn.includes("h2")) {
    return overSocket(await secure(socket, host, settings, pin, signal));
  }
  const pipe = new CipherPipe(socket);
  try {
    return pipe.connection(await secure(pipe.duplex, host, settings, pin, signal));
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * TLS as a client over `duplex`, which it destroys on failure. `pin` is what {@linkcode parsePin} made of `settings.pin`. Rejects as
 * {@linkcode dial} does.
 */
export async function secure(
  duplex: Duplex,
  host: string,
  { alpn, caCerts, insecure, pin: wanted, clientCert, clientKey }: NonNullable<DialTarget["tls"]>,
  pin: string | undefined,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    socket: duplex, // which also says that it may be half open
    servername: net.isIP(host) ? undefined : host, // RFC 6066: a name, never an address
    host,
    ALPNProtocols: [...alpn],
    ca: caCerts && [...caCerts],
    cert: clientCert,
    key: clientKey,
    rejectUnauthorized: !insecure && wanted === undefined,
  });
  const failure = failureOf(socket);
  try {
    await standing(socket, "secureConnect", signal);
    // In TLS 1.3 the server judges our certificate behind the handshake, which can be before anybody here goes on.
    if (failure() !== undefined) throw failure();
    if (pin !== undefined && fingerprintOf(socket) !== pin) {
      throw coded("ERR_PIN", "its certificate is not the pinned one");
    }
    return socket;
  } catch (error) {
    socket.destroy();
    duplex.destroy();
    throw error;
  }
}

/** Resolves when `socket` says `event`; destroys it otherwise. */
function standing(socket: net.Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort);
    socket.on("error", fail); // stays: an error after the connection stands is told by `close`
    socket.once("close", () => fail(coded("ECONNRESET", "the connection was closed at once")));
    socket.once(event, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
  });
}

/**
 * Reads a fingerprint in any usual spelling into 64 lower-case hexadecimal digits. Throws a `TypeError` on anything else.
 *
 * @example The spelling of `openssl x509 -fingerprint -sha256`
 * ```ts
 * import { parsePin } from "./dial.ts";
 *
 * if (parsePin("AB:".repeat(31) + "AB") !== "ab".repeat(32)) throw new Error("unexpected");
 * ```
 */
export function parsePin(text: string): string {
  const digits = text.replace(/^sha256[:/]/i, "").replaceAll(":", "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits)) {
    throw new TypeError(
      `Cannot pin to "${text}": give the SHA-256 of the certificate as 64 hexadecimal digits`,
    );
  }
  return digits;
}

function fingerprintOf(socket: tls.TLSSocket): string | undefined {
  const der = socket.getPeerCertificate().raw;
  return der && createHash("sha256").update(der).digest("hex");
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * The embedded proxy: CONNECT, CONNECT-UDP and connect-tcp over HTTP/1.1, HTTP/2 and HTTP/3 on one port, with TLS or in the clear, and the
 * POST of `fetch`.
 *
 * The room, in the order in which a request passes through it: `proxy` listens, `front` tells the versions over TCP apart and
 * `quic_listener` takes the one over UDP, `h1`, `h2` and `h3` speak them, `streams` serves what the latter two have in common, `gate` asks `credentials`, `tally`, `guard` and `dial`, and `pump` carries the bytes. For datagrams `udp_asked` reads the
 * request, `dial_udp` or `bind_udp` opens the sockets, and `udp_relay` or `bind_relay` carries. `refusal` holds every word that is said instead.
 *
 * What comes in capsules over TCP has a `byte_pipe`, whatever carries it, and `tcp_relay` and `udp_pipe` carry it on; `fetch_handler` is the same
 * for a platform that calls a handler, in front of sockets or of any `handler_road`.
 *
 * Never here: packets, flows of the stack, a second hop. Absent on purpose: plain `GET http://` forwarding, `BIND`, access logs with names
 * of users.
 *
 * @module
 */

import { type Log, SILENT } from "../log.ts";
import { checkBind } from "./bind_udp.ts";
import { type Certificate, selfSignedCertificate } from "./certificate/certificate.ts";
import { createCredentialsCheck, type ExpectedCredentials } from "./credentials.ts";
import { parseHosts } from "./dial.ts";
import { type FrontOptions, serveConnection } from "./front.ts";
import { clientKey, Gate } from "./gate.ts";
import { createGuard } from "./guard.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "./limits.ts";
import { listen, type Listeners, type ListenOptions } from "./listeners.ts";
import { resetConns } from "../sockets/tcp_descriptor.ts";
import { closeQuietly } from "./relay/pump.ts";
import type { QuicListener } from "./h3/listener.ts";
import { Tally } from "./tally.ts";

/** What `serveProxy` may be told. */
export interface ProxyOptions extends ExpectedCredentials {
  /** The address to listen on; `127.0.0.1` unless given. */
  readonly hostname?: string;
  /** The port to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** A certificate chain and key in PEM, `self-signed` (the default) for one made on the spot, false for no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | "self-signed" | false;
  /** Blocks of addresses that are open although they are not public, such as `10.0.0.0/8`. */
  readonly allow?: readonly string[];
  /**
   * Names and addresses that lead to another address, such as `{ "origin.example": "10.0.0.7" }`: a hosts file of the proxy's own.
   * Whether the proxy goes there is asked of the address that they lead to.
   */
  readonly hosts?: Readonly<Record<string, string>>;
  /**
   * Addresses of this machine for UDP ports that clients ask for (Connect-UDP-Bind), and what those clients are told: at most one of each family.
   * Unless given, the address at which the client reached the proxy; for a client on this machine all its addresses.
   */
  readonly bind?: readonly string[];
  /**
   * Whether HTTP/3 is served, on UDP and the same port: by itself wherever there is TLS and the runtime has QUIC, which it has with
   * `--unstable-net`. True insists on it.
   */
  readonly http3?: boolean;
  /** Bounds other than the default ones. */
  readonly limits?: Partial<ProxyLimits>;
  /** Where the proxy says what it does; nowhere unless given. */
  readonly log?: Log;
}

/** A running proxy. */
export interface EmbeddedProxy extends AsyncDisposable {
  /** What a client is told, for instance `https://127.0.0.1:8443`. */
  readonly url: string;
  /** The address it listens on. */
  readonly hostname: string;
  /** The port it listens on. */
  readonly port: number;
  /** The certificate that was made on the spot, in PEM: what a client trusts. */
  readonly certificate?: string;
  /** SHA-256 of that certificate in hexadecimal: what a client pins. */
  readonly certificateSha256?: string;
  /** Whether HTTP/3 is served, too. */
  readonly http3: boolean;
  /** Flows carried at the moment. */
  readonly flows: number;
  /** Settles once nothing is open any more. */
  readonly closed: Promise<void>;
  /** Stops listening and breaks all flows off. Closing twice does nothing. */
  close(): Promise<void>;
}

/** How long a client may count on HTTP/3 being where we say: a day, which is what RFC 7838, section 3.1, takes when nothing is said. */
const ALT_SVC_SECONDS = 86_400;

/** How long to wait when the machine has no descriptor left for a further connection. */
const ACCEPT_PAUSE_MS = 100;

/**
 * Starts a proxy.
 *
 * @throws {TypeError} If an entry of `allow` is not a block of addresses, or one of `hosts` or `bind` is no address; if HTTP/3 is insisted on
 * where there is none
 * @throws {Deno.errors.AddrInUse} If the port is taken
 *
 * @example A proxy for this machine, in the clear
 * ```ts
 * import { serveProxy } from "./proxy.ts";
 *
 * await using proxy = await serveProxy({ tls: false, allow: ["127.0.0.0/8"], token: "secret" });
 * const answer = await fetch(proxy.url); // not a CONNECT
 * await answer.body?.cancel();
 * if (answer.status !== 404) throw new Error(`unexpected: ${answer.status}`);
 * ```
 */
export async function serveProxy(options: ProxyOptions = {}): Promise<EmbeddedProxy> {
  const { hostname = "127.0.0.1", port = 0, tls = "self-signed", log = SILENT } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const gate = new Gate({
    check: createCredentialsCheck(options),
    guard: createGuard(options.allow ?? []),
    hosts: parseHosts(options.hosts ?? {}),
    bind: options.bind && checkBind(options.bind),
    limits,
    log,
  });
  let made: Certificate | undefined;
  if (tls === "self-signed") made = await selfSignedCertificate({ names: namesOf(hostname) });
  const pair = (tls === "self-signed" ? made : tls) || undefined;
  const tally = new Tally(limits.connections, limits.connectionsPerClient);
  const { http3 } = options;
  const listeners = listen({ hostname, port, pair, http3, gate, limits, log, tally });
  return new Server(listeners, pair ? "https" : "http", made, { gate, limits, log, tally });
}

class Server implements EmbeddedProxy {
  readonly url: string;
  readonly hostname: string;
  readonly port: number;
  readonly certificate?: string;
  readonly certificateSha256?: string;
  readonly closed: Promise<void>;
  readonly http3: boolean;
  readonly #listener: Deno.Listener;
  readonly #quic: QuicListener | undefined;
  readonly #abort = new AbortController();
  readonly #front: FrontOptions;
  readonly #tally: Tally;
  readonly #open = new Map<Deno.Conn, Promise<void>>();

  constructor(
    { tcp, quic }: Listeners,
    scheme: string,
    made: Certificate | undefined,
    { gate, limits, log, tally }: Pick<ListenOptions, "gate" | "limits" | "log" | "tally">,
  ) {
    this.#listener = tcp;
    this.#quic = quic;
    this.http3 = quic !== undefined;
    const { hostname, port } = tcp.addr as Deno.NetAddr;
    const altSvc = quic && `h3=":${port}"; ma=${ALT_SVC_SECONDS}`;
    this.#front = { gate, limits, log, signal: this.#abort.signal, altSvc };
    this.#tally = tally;
    this.hostname = hostname;
    this.port = port;
    this.url = `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    this.certificate = made?.cert;
    this.certificateSha256 = made?.sha256;
    this.closed = this.#accept();
  }

  get flows(): number {
    return this.#front.gate.flows;
  }

  async close(): Promise<void> {
    if (!this.#abort.signal.aborted) {
      this.#abort.abort();
      this.#listener.close();
      this.#quic?.close();
      resetConns(this.#open.keys()); // what was cut off must not look complete
    }
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(): Promise<void> {
    const { signal, log } = this.#front;
    while (!signal.aborted) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (signal.aborted) break;
        log.warn(`The proxy cannot take a connection for the moment: ${error}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
    await Promise.all(this.#open.values());
    await this.#quic?.closed;
  }

  #serve(conn: Deno.Conn): void {
    const release = this.#tally.take(clientKey((conn.remoteAddr as Deno.NetAddr).hostname));
    // Without a word: an answer over TLS would cost a handshake, which is what there is too much of.
    if (release === undefined) return closeQuietly(conn);
    const served = serveConnection(conn, this.#front).finally(() => {
      this.#open.delete(conn);
      release();
    });
    this.#open.set(conn, served);
  }
}

/** What a certificate has to say for clients on this machine and for those that reach the address listened on. */
function namesOf(hostname: string): string[] {
  return [...new Set([hostname, "localhost", "127.0.0.1", "::1"])];
}

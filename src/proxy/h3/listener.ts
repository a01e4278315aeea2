/**
 * Where clients of HTTP/3 come in: UDP, beside the TCP port of the others.
 *
 * @module
 */

import { ALPN } from "../../http3/runtime.ts";
import type { Log } from "../../log.ts";
import { openUdpSocket } from "../../sockets/open.ts";
import { formatIp, parseIp } from "../../wire/address.ts";
import { clientKey, type Gate } from "../gate.ts";
import { type Http3Connection, serveHttp3, TOO_MANY_CONNECTIONS } from "./serve.ts";
import type { ProxyLimits } from "../limits.ts";
import type { Tally } from "../tally.ts";

/** What serving takes. */
export interface QuicOptions {
  readonly hostname: string;
  readonly port: number;
  /** In PEM. */
  readonly cert: string;
  readonly key: string;
  readonly gate: Gate;
  readonly limits: ProxyLimits;
  readonly log: Log;
  /** Counts connections, those over TCP too. */
  readonly tally: Tally;
}

/**
 * Between PINGs to a silent client, and how long it may stay silent: a client that vanished must not hold its origins, and one that has nothing
 * to say must not lose them (a flow has no idle limit).
 */
const KEEP_ALIVE_MS = 20_000;
const SILENCE_MS = 60_000;

/** As many unidirectional streams as HTTP/3 has uses for, with room for those that nobody knows. */
const MAX_UNIDIRECTIONAL_STREAMS = 16;

/** Handshakes under way at once: each holds keys and little more. Whoever fills them sends the others to TCP, and for no longer than a silence. */
const MAX_HANDSHAKES = 256;

/** Serves HTTP/3 on a UDP port. */
export class QuicListener {
  /** Settles once nothing is open any more. */
  readonly closed: Promise<void>;
  readonly #options: QuicOptions;
  readonly #endpoint: Deno.QuicEndpoint;
  readonly #listener: Deno.QuicListener;
  readonly #open = new Map<Http3Connection, Promise<void>>();
  readonly #handshakes = new Set<Promise<void>>();
  #isClosed = false;

  /** @throws {Deno.errors.AddrInUse} If the port is taken */
  constructor(options: QuicOptions) {
    this.#options = options;
    const { hostname, port, cert, key, limits } = options;
    this.#endpoint = new Deno.QuicEndpoint({ hostname, port });
    this.#listener = this.#endpoint.listen({
      cert,
      key,
      alpnProtocols: [ALPN],
      keepAliveInterval: KEEP_ALIVE_MS,
      maxIdleTimeout: SILENCE_MS,
      maxConcurrentBidirectionalStreams: limits.streamsPerConnection,
      maxConcurrentUnidirectionalStreams: MAX_UNIDIRECTIONAL_STREAMS,
    });
    this.closed = this.#accept();
  }

  /** Stops listening and breaks all flows off. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const connection of this.#open.keys()) connection.close();
    this.#listener.stop();
    this.#endpoint.close();
  }

  async #accept(): Promise<void> {
    const { log } = this.#options;
    try {
      for await (const incoming of this.#listener) {
        if (this.#handshakes.size >= MAX_HANDSHAKES) {
          incoming.ignore(); // it will ask again
          continue;
        }
        const shaking = this.#shake(incoming).finally(() => this.#handshakes.delete(shaking));
        this.#handshakes.add(shaking);
      }
    } catch (error) {
      if (!this.#isClosed) log.warn(`The proxy takes no HTTP/3 any more: ${error}`);
    }
    await Promise.all(this.#handshakes);
    await Promise.all(this.#open.values());
  }

  /** Not a word is asked of `incoming` before: in Deno 2.9 its getters use it up. */
  async #shake(incoming: Deno.QuicIncoming): Promise<void> {
    try {
      const conn = await incoming.accept();
      if (this.#isClosed) conn.close();
      else await this.#serve(conn);
    } catch (error) {
      this.#options.log.debug(`proxy: a handshake over QUIC failed: ${error}`);
    }
  }

  async #serve(conn: Deno.QuicConn): Promise<void> {
    const { gate, limits, tally, hostname } = this.#options;
    const { hostname: address, port } = conn.remoteAddr;
    const client = clientKey(address);
    const release = tally.take(client);
    if (release === undefined) return conn.close({ closeCode: TOO_MANY_CONNECTIONS, reason: "" });
    const local = await localTowards(hostname, address, port);
    const served = serveHttp3(conn, { gate, limits, client, local });
    const closed = served.closed.finally(() => {
      this.#open.delete(served);
      release();
    });
    this.#open.set(served, closed);
    if (this.#isClosed) served.close();
  }
}

/** Our address on the way to a client: QUIC does not tell it, so where we listen on all of them the kernel is asked. */
async function localTowards(hostname: string, remote: string, port: number): Promise<string> {
  const listened = parseIp(hostname);
  const address = parseIp(remote);
  if (address === undefined || listened?.some((byte) => byte !== 0)) return hostname;
  const nobody = { datagram() {}, batchEnd() {}, failed() {} };
  const socket = await openUdpSocket({ remote: { address, port } }, nobody);
  try {
    return formatIp(socket.local.address);
  } finally {
    await socket.close();
  }
}

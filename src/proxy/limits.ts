/**
 * Every bound of the embedded proxy, each with its reason. A stranger can reach the proxy before it has shown a credential, so
 * nothing here may be "as much as it takes".
 *
 * @module
 */

/** The bounds; `serveProxy` takes any of them. */
export interface ProxyLimits {
  /** Bytes of an HTTP/1.1 request head, and of an HTTP/2 field section. A CONNECT with a long token needs about 2 KiB. */
  readonly headBytes: number;
  /** From accept to the last byte of the head, TLS handshake included: a client that sends a byte a second must not hold a socket. */
  readonly headTimeoutMs: number;
  /** Client connections at once: each costs a descriptor and up to `headBytes`. */
  readonly connections: number;
  /** The same for one client address (one /64 of IPv6): a single host must not take all. */
  readonly connectionsPerClient: number;
  /** Flows at once. Each costs a descriptor and up to 128 KiB of buffers while it is busy, 4 KiB while it is not. */
  readonly flows: number;
  /** The same for one client address. A browser has some hundreds, a test of 1,000 connections has to fit. */
  readonly flowsPerClient: number;
  /** Flows in one HTTP/2 connection; a client opens a further connection. nghttp2 and Envoy offer 100 to 128 by default. */
  readonly streamsPerConnection: number;
  /** Bytes in flight per HTTP/2 flow towards the origin, to begin with: 1 MiB fills 1 Gbit/s at a round trip of 8 ms. It grows where that bounds a flow. */
  readonly streamWindowBytes: number;
  /** The same for a whole HTTP/2 connection: room for sixteen busy flows. */
  readonly connectionWindowBytes: number;
  /** An HTTP/2 connection without a flow is closed after this; clients keep spare ones for a while. */
  readonly idleTimeoutMs: number;
  /** A UDP tunnel through which nothing goes either way is ended after this: never below two minutes (RFC 9298, section 3.1; RFC 4787, REQ-5). */
  readonly udpIdleTimeoutMs: number;
  /** For the resolver's answer: `resolv.conf` asks for 5 s by default, twice. */
  readonly resolveTimeoutMs: number;
  /** For one address of the origin; a dead first address must leave time for the second. */
  readonly addressTimeoutMs: number;
  /** For all addresses together: less than the minute after which programs give a handshake up. */
  readonly dialTimeoutMs: number;
  /** Addresses of one name that are tried; more of them do not make an origin more alive. */
  readonly addresses: number;
  /** After a refusal the rest of the request is read for so long, because closing over unread bytes would reset the answer away. */
  readonly lingerTimeoutMs: number;
}

/** What holds unless `serveProxy` is told otherwise. */
export const DEFAULT_LIMITS: ProxyLimits = {
  headBytes: 16 * 1024,
  headTimeoutMs: 10_000,
  connections: 4096,
  connectionsPerClient: 2048,
  flows: 4096,
  flowsPerClient: 2048,
  streamsPerConnection: 128,
  streamWindowBytes: 1 << 20,
  connectionWindowBytes: 1 << 24,
  idleTimeoutMs: 300_000,
  udpIdleTimeoutMs: 300_000,
  resolveTimeoutMs: 10_000,
  addressTimeoutMs: 10_000,
  dialTimeoutMs: 30_000,
  addresses: 8,
  lingerTimeoutMs: 1_000,
};

/** The bounds where one client may have `count` flows, each in a connection of its own, and all clients together twice that. */
export function limitsForFlows(count: number): Partial<ProxyLimits> {
  const all = 2 * count;
  return {
    connections: all,
    connectionsPerClient: count,
    flows: all,
    flowsPerClient: count,
  };
}

/** The smallest and the largest buffer of one direction of a flow: it grows on the first read that fills it, and is small again behind one that would have fitted. */
export const RELAY_BUFFER_BYTES: { readonly idle: number; readonly busy: number } = {
  idle: 2 * 1024, // a request, or the first flight of TLS
  busy: 64 * 1024, // measured: 64 KiB carries as much as 256 KiB
};

/** The size of the buffer for the read behind one that brought `count` bytes into `size`. */
export function nextBufferBytes(size: number, count: number): number {
  const { idle, busy } = RELAY_BUFFER_BYTES;
  return count === size ? busy : count < idle ? idle : size;
}

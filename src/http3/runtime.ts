/**
 * HTTP/3 connections on the QUIC of the runtime (`Deno.connectQuic`, `Deno.QuicEndpoint`), for both ends of the protocol.
 *
 * What the bytes mean is in `masque/h3`; here is what moves them: `connection` has the streams that belong to nobody and the datagrams,
 * `stream` makes a `node:stream` duplex of one request, so that tunnel and proxy treat it as they treat one of HTTP/2.
 *
 * Four facts of Deno 2.9 that shape this room. It can send no RESET_STREAM: whatever is dropped ends in order, so what was broken off is marked as
 * such (`stream.ts`). It does not tell the peer's stream limit. `QuicIncoming` is used up by whoever reads its address. And thousands of datagrams
 * that wait at once cost quadratic time, so few do (`datagram_sender.ts`).
 *
 * @module
 */

/** Why there is no HTTP/3 here, and what to do about it: half a sentence. */
export const WITHOUT_QUIC =
  'this Deno runs without QUIC; start it with --unstable-net, or put "unstable": ["net"] into its deno.json';

/** Whether the runtime offers QUIC, which it does with `--unstable-net` only. */
export function quicIsAvailable(): boolean {
  return typeof Deno.connectQuic === "function" && typeof Deno.QuicEndpoint === "function";
}

/** The name of HTTP/3 in ALPN (RFC 9114, section 3.1). */
export const ALPN = "h3";

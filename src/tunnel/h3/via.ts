/**
 * QUIC to a proxy behind another one: its packets are the datagrams of a tunnel for UDP. The runtime's QUIC takes nothing but a socket of the
 * kernel, so the datagrams go by way of one on loopback, which hears only the first who speaks to it. Whoever else on this machine gets
 * there first keeps a connection from coming up, and can do no more: QUIC believes no packet that the proxy has not made.
 *
 * @module
 */

import { openUdpSocket } from "../../sockets/open.ts";
import type { Endpoint, UdpSocket } from "../../sockets/udp_socket.ts";
import { attempt, refusedBy } from "../road/via.ts";
import type { ProxySettings } from "../settings.ts";
import type { OpenUdpTunnel, ProxyClient } from "../tunnel.ts";
import { dialQuic, type QuicConnection } from "./dial.ts";

const LOOPBACK = "127.0.0.1";

/** Connects through `via`. Rejects as {@linkcode dialQuic} does, and with a `ProxyError` when `via` refuses. */
export async function dialQuicThrough(
  via: ProxyClient,
  proxy: ProxySettings,
  signal: AbortSignal,
): Promise<QuicConnection> {
  const { hostname, port } = proxy;
  const tunnel = await attempt(
    proxy,
    signal,
    (signal) => via.connectUdp({ hostname, port }, { signal }),
  );
  if (!tunnel.ok) throw refusedBy(via, proxy, tunnel.outcome);
  let socket: UdpSocket | undefined;
  const close = () => {
    tunnel.close();
    void socket?.close();
  };
  try {
    socket = await forward(tunnel);
    const here = { ...proxy, port: socket.local.port };
    const { conn, release } = await dialQuic(here, signal, LOOPBACK);
    const end = () => {
      release();
      close();
    };
    void tunnel.closed.then(end); // without its packets a connection is over
    return { conn, release: end };
  } catch (error) {
    close();
    throw error;
  }
}

/** Carries datagrams between a tunnel and a socket on loopback. */
async function forward(tunnel: OpenUdpTunnel): Promise<UdpSocket> {
  let peer: Endpoint | undefined;
  const socket = await openUdpSocket({ bind: { address: Uint8Array.of(127, 0, 0, 1), port: 0 } }, {
    datagram(payload, from) {
      peer ??= { address: from!.address.slice(), port: from!.port };
      if (from!.port === peer.port) tunnel.send(payload);
    },
    batchEnd() {},
    failed() {}, // QUIC notices by itself that nothing comes
  });
  tunnel.receive({
    datagram(payload) {
      if (peer !== undefined) socket.send(payload, peer);
    },
  });
  return socket;
}

/**
 * A proxy on this machine in front of any tunnel: HTTP (CONNECT and absolute-form) and SOCKS5 on one port, told apart by their first byte.
 * What is asked of the proxy itself is answered with its status.
 *
 * @module
 */

import * as net from "node:net";
import type { ProxyClient } from "../../mod.ts";
import { serveHttp } from "./http.ts";
import { Incoming } from "./join.ts";
import { serveSocks } from "./socks5.ts";

/** Connections at once: each costs a descriptor here and a tunnel there. */
const MAX_CONNECTIONS = 1_024;

/** A running proxy. */
export interface LocalProxy extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** What the status endpoint tells. */
export interface LocalStatus {
  /** The way in use, in words. */
  readonly proxy: string;
  /** The proxy's IP address, where it is known. */
  readonly address: string | null;
  /** Connections of programs at the moment. */
  readonly open: number;
}

/** Listens on `hostname:port` and leads whatever comes through `client`. */
export async function serveLocalProxy(
  client: ProxyClient,
  { hostname, port }: { readonly hostname: string; readonly port: number },
): Promise<LocalProxy> {
  const open = new Map<net.Socket, Promise<void>>();
  const status = (): LocalStatus => ({
    proxy: client.description,
    address: (client as { readonly address?: string }).address ?? null,
    open: open.size,
  });
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => {}); // whoever reads or writes hears of it
    const served = serve(socket, client, status).finally(() => open.delete(socket));
    open.set(socket, served);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, hostname, resolve);
  });
  return {
    hostname,
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open.keys()) socket.destroy();
      await Promise.all(open.values());
      await closed;
    },
  };
}

async function serve(
  socket: net.Socket,
  client: ProxyClient,
  status: () => LocalStatus,
): Promise<void> {
  const incoming = new Incoming(socket);
  try {
    const [first] = await incoming.peek(1);
    if (first === 5) await serveSocks(socket, incoming, client);
    else await serveHttp(socket, incoming, client, status);
  } catch {
    socket.resetAndDestroy(); // it said nothing that could be answered
  }
}

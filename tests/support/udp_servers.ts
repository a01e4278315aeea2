/**
 * Servers that answer datagrams.
 *
 * @module
 */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";

/** A server of datagrams. */
export interface UdpServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: string;
}

/** Answers every datagram with what `answer` makes of it; by itself with the same again. */
export async function serveDatagrams(
  hostname: string,
  answer: (message: Uint8Array, from: RemoteInfo) => Uint8Array | string = (message) => message,
): Promise<UdpServer> {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message, from) => {
    socket.send(answer(message, from), from.port, from.address);
  });
  socket.bind(0, hostname);
  await once(socket, "listening");
  return {
    hostname,
    port: `${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

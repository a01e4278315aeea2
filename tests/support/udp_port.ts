/**
 * A UDP socket on loopback.
 *
 * @module
 */

import * as dgram from "node:dgram";

/** A socket that is open. */
export interface UdpPort extends AsyncDisposable {
  readonly socket: dgram.Socket;
  readonly port: number;
}

/** A socket on loopback. */
export async function udpSocket(
  onMessage: (socket: dgram.Socket, from: dgram.RemoteInfo, bytes: Uint8Array) => void,
): Promise<UdpPort> {
  const socket = dgram.createSocket("udp4");
  socket.on(
    "message",
    (bytes: Uint8Array, from: dgram.RemoteInfo) => onMessage(socket, from, bytes),
  );
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    socket,
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

/**
 * A UDP server on loopback that sends back what it gets.
 *
 * @module
 */

import * as dgram from "node:dgram";

/** Starts it on a free port of 127.0.0.1. */
export async function serveUdpEcho(): Promise<{ readonly port: number } & AsyncDisposable> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (bytes: Uint8Array, from: dgram.RemoteInfo) => {
    socket.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

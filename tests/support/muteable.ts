/**
 * A forwarder that can stop forwarding without closing anything, as a dead network does.
 *
 * @module
 */

import * as net from "node:net";

/** A port that leads to another one. */
export interface Muteable extends AsyncDisposable {
  readonly port: number;
  /** Forwards nothing more, whatever the connection. */
  mute(): void;
  /** Forwards nothing more on the connections that are open. */
  muteOpen(): void;
  /** Forwards what comes from now on. */
  unmute(): void;
}

/** A forwarder to the port `target` on loopback. */
export async function muteable(target: number): Promise<Muteable> {
  let isMuted = false;
  const silenced = new Set<net.Socket>();
  const sockets: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.push(from);
      from.on("error", () => {}).on("data", (bytes) => {
        if (!isMuted && !silenced.has(from)) to.write(bytes);
      });
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    mute: () => void (isMuted = true),
    muteOpen: () => sockets.forEach((socket) => silenced.add(socket)),
    unmute: () => void (isMuted = false),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

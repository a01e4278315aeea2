/**
 * A program that takes connections from sockets and carries each through a tunnel of this library: the road without packets, to
 * tell what the stack adds.
 *
 *     bare_tunnel.ts PROXY HTTP PIN|none HOST PORT...     prints `ready` and the port at which it stands in for each PORT
 *
 * @module
 */

import { connectProxy } from "../../../mod.ts";

const [url, version, pin, hostname, ...ports] = Deno.args;
const http = version as "1.1" | "2" | "3";
const proxy = await connectProxy(url, { http, pin: pin === "none" ? undefined : pin });

const listeners = ports.map((port) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void serve(listener, Number(port));
  return listener.addr.port;
});
console.log(["ready", ...listeners].join(" "));

async function serve(listener: Deno.TcpListener, port: number): Promise<void> {
  for await (const connection of listener) void carry(connection, port);
}

async function carry(connection: Deno.TcpConn, port: number): Promise<void> {
  connection.setNoDelay(true);
  const tunnel = await proxy.connect({ hostname, port });
  if (!tunnel.ok) return connection.close();
  // An end in disorder is the client's business, which sees its connection close.
  await Promise.allSettled([
    connection.readable.pipeTo(tunnel.writable),
    tunnel.readable.pipeTo(connection.writable),
  ]);
}

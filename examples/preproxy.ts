/**
 * A reverse listener: what comes in on the given TCP and UDP ports of this machine leads to one destination, through a tunnel. For a
 * server that is reached only from where the proxy stands.
 *
 *     deno run -A examples/preproxy.ts --proxy https://proxy.example --to server.internal --tcp 80,443 --udp 443
 *
 * @module
 */

import * as dgram from "node:dgram";
import * as net from "node:net";
import type { ProxyClient, Target } from "../mod.ts";
import { refusalOf } from "./shared/http.ts";
import { Incoming, join } from "./shared/join.ts";
import {
  endOfProgram,
  openRoad,
  program,
  readArgs,
  ROAD_HELP,
  ROAD_OPTIONS,
  Usage,
} from "./shared/road.ts";
import { UdpTunnels } from "./shared/udp_tunnels.ts";

const HELP = `Usage: preproxy.ts --to HOST[:PORT] --tcp PORTS --udp PORTS [OPTIONS]

Leads inbound connections and datagrams to one destination, through a tunnel.

  --to HOST[:PORT]  where everything leads; without a port, to the one that was reached
  --tcp PORTS       TCP ports to listen on, with commas between; 0 takes a free one
  --udp PORTS       the same for UDP
  --listen ADDRESS  the address to listen on; 127.0.0.1 unless given${ROAD_HELP}`;

/** Connections at once on one port. */
const MAX_CONNECTIONS = 1_024;

/** Where a port leads. */
type Destination = (port: number) => Target;

function readPorts(text: string): number[] {
  const ports = text === "" ? [] : text.split(",").map(Number);
  if (ports.every((port) => Number.isInteger(port) && port >= 0 && port < 65_536)) return ports;
  throw new Usage(`"${text}" is no list of ports: write it like 80,443`);
}

function readDestination(text: string): Destination {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) throw new Usage(`"${text}" is no destination: write it as HOST or HOST:PORT`);
  const hostname = match[1] ?? match[2];
  return (port) => ({ hostname, port: Number(match[3] ?? port) });
}

async function listenTcp(client: ProxyClient, hostname: string, port: number, to: Destination) {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, async (socket) => {
    open.add(socket);
    socket.on("error", () => {}); // whoever reads or writes hears of it
    socket.once("close", () => open.delete(socket));
    const incoming = new Incoming(socket);
    const tunnel = await client.connect(to(socket.localPort!)).catch(refusalOf);
    // Too late to refuse: the connection stands. A reset is the nearest thing.
    if (!tunnel.ok) return void socket.resetAndDestroy();
    await join(socket, incoming, tunnel);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, hostname, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function listenUdp(client: ProxyClient, hostname: string, port: number, to: Destination) {
  const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
  // One tunnel for each peer, so that the answers find back.
  const tunnels = new UdpTunnels(client, (payload, peer) => {
    const [address, port] = peer.split("|");
    socket.send(payload, Number(port), address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject).bind(port, hostname, resolve);
  });
  const own = socket.address().port;
  socket.on("error", () => {}); // a peer that is gone
  socket.on("message", (payload: Uint8Array, from: dgram.RemoteInfo) => {
    tunnels.send(`${from.address}|${from.port}`, to(own), payload);
  });
  return {
    port: own,
    async [Symbol.asyncDispose]() {
      await tunnels.close();
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

await program(async () => {
  const text = { type: "string" } as const;
  const options = { ...ROAD_OPTIONS, to: text, tcp: text, udp: text, listen: text };
  const { values } = readArgs({ args: Deno.args, options });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.to === undefined) throw new Usage("Say where everything leads: --to HOST[:PORT]");
  const to = readDestination(values.to);
  const [tcp, udp] = [readPorts(values.tcp ?? ""), readPorts(values.udp ?? "")];
  if (tcp.length + udp.length === 0) {
    throw new Usage("Say where to listen: --tcp PORTS, --udp PORTS");
  }
  const hostname = values.listen ?? "127.0.0.1";
  await using road = await openRoad(values);
  await using listeners = new AsyncDisposableStack();
  for (const port of tcp) {
    const { port: own } = listeners.use(await listenTcp(road.client, hostname, port, to));
    console.error(`listening tcp ${hostname} ${own}`);
  }
  for (const port of udp) {
    const { port: own } = listeners.use(await listenUdp(road.client, hostname, port, to));
    console.error(`listening udp ${hostname} ${own}`);
  }
  await endOfProgram();
  return 0;
});

/**
 * Every road a UDP tunnel can take, behind one face, so that one suite runs over all of them.
 *
 * @module
 */

import * as dgram from "node:dgram";
import { ffiIsUsable } from "../../../src/sockets/libc.ts";
import { DirectClient } from "../../../src/tunnel/local/direct.ts";
import { MemoryClient } from "../../../src/tunnel/local/memory.ts";
import type { ConnectProxyOptions } from "../../../src/tunnel/proxy_client.ts";
import type { OpenUdpTunnel, ProxyClient, Target } from "../../../src/tunnel/tunnel.ts";
import { type DatagramOrigin, datagramSide } from "../../support/datagram_side.ts";
import type { Origin } from "../../support/far_side.ts";
import {
  serveH1,
  serveH2,
  type ServerOptions,
  type TestServer,
} from "../../support/tunnel_servers.ts";
import { connectTo, fetched, overH3 } from "./roads.ts";

ffiIsUsable(); // the library stays open for the life of the program, which a test would take for a leak

/** A client, and the origin behind its tunnels. */
export interface UdpSetting extends AsyncDisposable {
  readonly client: ProxyClient;
  readonly target: Target;
  /** Absent where there is no proxy. */
  readonly server?: TestServer;
}

/** One way to go. */
export interface UdpRoad {
  readonly name: string;
  /** The origin hears of ends and resets, and can cause them: a UDP socket knows neither. */
  readonly hasEnds: boolean;
  /** The origin's reset differs from its end: a TLS connection of Deno only ends. */
  readonly originResets: boolean;
  open(origin: DatagramOrigin): Promise<UdpSetting>;
}

const TARGET: Target = { hostname: "origin.example", port: 443 };

/** The head with which a proxy grants an upgrade. */
export const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" +
  "Upgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n\r\n";

/** A proxy that hands over the bytes of each tunnel, and a client for it. */
export async function udpProxied(
  http: "1.1" | "2",
  origin: Origin,
  serverOptions: ServerOptions = {},
  options: ConnectProxyOptions = {},
): Promise<UdpSetting & { readonly server: TestServer }> {
  const head = () => options.udpDraft03 ? "HTTP/1.1 200 OK\r\n\r\n" : SWITCHING;
  const all = { head, takesProtocols: true, ...serverOptions };
  const server = await (http === "2" ? serveH2 : serveH1)(origin, all);
  const client = await connectTo(server, serverOptions.tls, { http, ...options });
  return {
    client,
    target: TARGET,
    server,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Asks for a tunnel that has to stand. */
export async function openUdp({ client, target }: UdpSetting): Promise<OpenUdpTunnel> {
  const tunnel = await client.connectUdp(target);
  if (!tunnel.ok) throw new Error(tunnel.outcome.detail);
  return tunnel;
}

function memory(origin: DatagramOrigin): Promise<UdpSetting> {
  const client = new MemoryClient(undefined, () => async (far) => {
    const reader = far.readable.getReader();
    await origin({
      read: async () => (await reader.read()).value ?? null,
      write: (payload) => Promise.resolve(far.send(payload)),
      end: () => Promise.resolve(far.close()),
      reset: () => far.reset(),
    }).catch(() => {}); // the test's side tells
  });
  return Promise.resolve({
    client,
    target: TARGET,
    [Symbol.asyncDispose]: () => client.close(),
  });
}

async function direct(origin: DatagramOrigin): Promise<UdpSetting> {
  const socket = dgram.createSocket("udp4");
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  let wake = () => {};
  let peer: dgram.RemoteInfo | undefined;
  let isOver = false;
  socket.on("message", (bytes: Uint8Array<ArrayBuffer>, from: dgram.RemoteInfo) => {
    peer = from;
    waiting.push(new Uint8Array(bytes));
    wake();
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const done = origin({
    async read() {
      while (waiting.length === 0 && !isOver) await new Promise<void>((resolve) => wake = resolve);
      return waiting.shift() ?? null;
    },
    write: (payload) =>
      new Promise((resolve) => socket.send(payload, peer!.port, peer!.address, () => resolve())),
    end: () => Promise.resolve(),
    reset: () => {},
  });
  const client = new DirectClient();
  return {
    client,
    target: { hostname: "127.0.0.1", port: socket.address().port },
    async [Symbol.asyncDispose]() {
      await client.close();
      isOver = true;
      wake();
      await done;
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

const road = (
  name: string,
  http: "1.1" | "2",
  serverOptions: ServerOptions = {},
  options: ConnectProxyOptions = {},
): UdpRoad => ({
  name,
  hasEnds: true,
  originResets: http === "2" || !serverOptions.tls,
  open: (origin) => {
    const context = options.udpDraft03 ? [] : [0];
    return udpProxied(http, (far) => origin(datagramSide(far, context)), serverOptions, options);
  },
});

const byFetch = (tls: boolean): UdpRoad => ({
  name: `fetch over HTTP/${tls ? "2 in TLS" : "1.1 in the clear"}`,
  hasEnds: true,
  originResets: true,
  open: (origin) => fetched((far) => origin(datagramSide(far)), tls),
});

/** All of them. */
export const UDP_ROADS: readonly UdpRoad[] = [
  road("HTTP/1.1 in the clear", "1.1"),
  road("HTTP/1.1 in TLS", "1.1", { tls: true }),
  road("HTTP/2 in the clear", "2"),
  road("HTTP/2 in TLS", "2", { tls: true }),
  {
    name: "HTTP/3 in capsules",
    hasEnds: true,
    originResets: true,
    open: (origin) => {
      const options = { takesProtocols: true, capsulesOnly: true };
      return overH3((far) => origin(datagramSide(far)), options);
    },
  },
  road("draft 03", "1.1", {}, { udpDraft03: true }),
  byFetch(false),
  byFetch(true),
  { name: "memory", hasEnds: true, originResets: true, open: memory },
  { name: "direct", hasEnds: false, originResets: false, open: direct },
];

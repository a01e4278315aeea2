/**
 * SOCKS5 without credentials (RFC 1928): CONNECT and UDP ASSOCIATE.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Outcome, ProxyClient, Target } from "../../mod.ts";
import { refusalOf } from "./http.ts";
import { type Incoming, join, write } from "./join.ts";
import { associate } from "./socks5_udp.ts";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_METHOD = 255;
const CONNECT = 1;
const UDP_ASSOCIATE = 3;

/** Kinds of addresses (RFC 1928, section 5). */
export const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** Replies (section 6). */
const REPLY = {
  granted: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  unknownCommand: 7,
  unknownAddress: 8,
} as const;

const REFUSALS: Readonly<Record<Outcome["refusal"], number>> = {
  "reset": REPLY.refused,
  "host-unreachable": REPLY.hostUnreachable,
  "network-unreachable": REPLY.networkUnreachable,
  "port-unreachable": REPLY.refused,
  "prohibited": REPLY.notAllowed,
};

/** Serves one request, and with it the connection. */
export async function serveSocks(
  socket: Socket,
  incoming: Incoming,
  client: ProxyClient,
): Promise<void> {
  const [, count] = await incoming.take(2);
  const isOpen = (await incoming.take(count)).includes(NO_AUTHENTICATION);
  await write(socket, Uint8Array.of(VERSION, isOpen ? NO_AUTHENTICATION : NO_METHOD));
  if (!isOpen) return void socket.end();
  const [, command, , kind] = await incoming.take(4);
  const target = await takeTarget(incoming, kind);
  if (target === undefined) return refuse(socket, REPLY.unknownAddress);
  if (command === UDP_ASSOCIATE) return await serveUdp(socket, incoming, client);
  if (command !== CONNECT) return refuse(socket, REPLY.unknownCommand);
  const tunnel = await client.connect(target).catch(refusalOf);
  if (!tunnel.ok) return refuse(socket, REFUSALS[tunnel.outcome.refusal]);
  await write(socket, reply(REPLY.granted));
  await join(socket, incoming, tunnel);
}

/** The association lives as long as the connection (section 6). */
async function serveUdp(socket: Socket, incoming: Incoming, client: ProxyClient): Promise<void> {
  const { localAddress = "127.0.0.1", remoteAddress = "127.0.0.1" } = socket;
  await using association = await associate(client, localAddress, remoteAddress);
  await write(socket, reply(REPLY.granted, association.port, ipv4(localAddress)));
  try {
    for await (const _ of incoming); // nothing more is said
  } finally {
    socket.end();
  }
}

async function takeTarget(incoming: Incoming, kind: number): Promise<Target | undefined> {
  let hostname: string;
  if (kind === ADDRESS.ipv4) hostname = (await incoming.take(4)).join(".");
  else if (kind === ADDRESS.ipv6) hostname = formatIpv6(await incoming.take(16));
  else if (kind === ADDRESS.name) {
    const [length] = await incoming.take(1);
    hostname = new TextDecoder().decode(await incoming.take(length));
  } else return undefined;
  const [high, low] = await incoming.take(2);
  return { hostname, port: high * 256 + low };
}

/** An IPv6 address in text. */
export function formatIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
  return groups.join(":");
}

/** An IPv4 address as bytes; nothing where it is none. */
function ipv4(text: string): number[] | undefined {
  const parts = text.replace(/^::ffff:/i, "").split(".").map(Number);
  return parts.length === 4 ? parts : undefined;
}

function reply(code: number, port = 0, address: number[] = [0, 0, 0, 0]): Uint8Array {
  return Uint8Array.of(VERSION, code, 0, ADDRESS.ipv4, ...address, port >> 8, port & 255);
}

function refuse(socket: Socket, code: number): void {
  socket.end(reply(code));
  socket.resume(); // what it still sends is nobody's
}

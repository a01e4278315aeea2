/**
 * UDP ports that clients get for all their peers: on which addresses of this machine, and what the clients are told of them.
 *
 * @module
 */

import { openUdpSocket } from "../sockets/open.ts";
import type { UdpSocket, UdpSocketEvents } from "../sockets/udp_socket.ts";
import { classifyIp, formatIp, parseIp, unmapIp } from "../wire/address.ts";
import { connectRefusal } from "./dial.ts";
import type { Refusal } from "./refusal.ts";

/** An address and a port as a client is told. */
export interface PublicAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Sockets for all peers, one for each address; or why there are none. */
export type BoundUdp =
  | {
    readonly ok: true;
    readonly sockets: readonly UdpSocket[];
    /** Where peers see them. */
    readonly publicAddresses: readonly PublicAddress[];
  }
  | { readonly ok: false; readonly refusal: Refusal };

/** Every address of this machine, by family. */
const ANY: readonly string[] = ["0.0.0.0", "::"];

/** Hosts to which there is the same way as to most (RFC 5737, RFC 3849); nothing is sent there. */
const ELSEWHERE: Readonly<Record<number, string>> = { 4: "192.0.2.1", 16: "2001:db8::1" };

/** Nobody has to listen for a way to be found. */
const DISCARD_PORT = 9;

const DEAF: UdpSocketEvents = { datagram() {}, batchEnd() {}, failed() {} };

/**
 * Opens a free port on each of the addresses, given as text, or without them on `local`, where the client reached us. A client on this very
 * machine reached it on loopback, from where nothing else can be reached: it gets ports on every address, of each family with a way out.
 */
export async function bindUdp(
  addresses: readonly string[] | undefined,
  local: string,
  events: UdpSocketEvents,
): Promise<BoundUdp> {
  const sockets: UdpSocket[] = [];
  const publicAddresses: PublicAddress[] = [];
  try {
    for (const { address, seen } of await placesFor(addresses, local)) {
      const socket = await openUdpSocket({ bind: { address, port: 0 } }, events);
      sockets.push(socket);
      publicAddresses.push({ hostname: formatIp(seen), port: socket.local.port });
    }
    return { ok: true, sockets, publicAddresses };
  } catch (error) {
    for (const socket of sockets) await socket.close();
    return { ok: false, refusal: connectRefusal(error) };
  }
}

/** Where a port is opened, and where peers see it. */
interface Place {
  readonly address: Uint8Array;
  readonly seen: Uint8Array;
}

async function placesFor(
  addresses: readonly string[] | undefined,
  local: string,
): Promise<readonly Place[]> {
  const here = unmapIp(parseIp(local)!);
  const isWithin = addresses === undefined && classifyIp(here) === "loopback";
  const places: Place[] = [];
  for (const text of isWithin ? ANY : addresses ?? [local]) {
    const address = unmapIp(parseIp(text)!);
    const isAny = classifyIp(address) === "unspecified";
    const seen = isAny ? await addressTowardsAll(address) : address;
    if (seen !== undefined) places.push({ address, seen });
  }
  return places.length > 0 ? places : [{ address: here, seen: here }];
}

/** With which address of the same family packets leave this machine; undefined when there is no way. A connected socket knows, and sends nothing. */
async function addressTowardsAll({ length }: Uint8Array): Promise<Uint8Array | undefined> {
  const remote = { address: parseIp(ELSEWHERE[length])!, port: DISCARD_PORT };
  try {
    const socket = await openUdpSocket({ remote }, DEAF);
    await socket.close();
    return socket.local.address;
  } catch {
    return undefined;
  }
}

/**
 * Passes addresses to bind on.
 *
 * @throws {TypeError} If one is no address, or two are of one family
 */
export function checkBind(addresses: readonly string[]): readonly string[] {
  const lengths = addresses.map((text) => {
    const address = parseIp(text);
    if (address !== undefined) return unmapIp(address).length;
    throw new TypeError(`Cannot bind to "${text}": it must be an IP address of this machine`);
  });
  if (new Set(lengths).size !== lengths.length || lengths.length === 0) {
    throw new TypeError("Cannot bind to these addresses: give one of IPv4, one of IPv6, or both");
  }
  return addresses;
}

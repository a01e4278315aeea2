/**
 * The datagrams of a SOCKS5 association (RFC 1928, section 7): one socket here, one tunnel for each destination there.
 *
 * @module
 */

import * as dgram from "node:dgram";
import type { ProxyClient, Target } from "../../mod.ts";
import { ADDRESS, formatIpv6 } from "./socks5.ts";
import { UdpTunnels } from "./udp_tunnels.ts";

/** An association. */
export interface Association extends AsyncDisposable {
  /** Where the program sends its datagrams to. */
  readonly port: number;
}

/** Opens a socket on `local` for the program at `remote`, whose first datagram tells its port. */
export async function associate(
  client: ProxyClient,
  local: string,
  remote: string,
): Promise<Association> {
  const socket = dgram.createSocket(local.includes(":") ? "udp6" : "udp4");
  let program: dgram.RemoteInfo | undefined;
  const tunnels = new UdpTunnels(client, (payload, key) => {
    if (program === undefined) return;
    const header = Uint8Array.from(key.split(","), Number); // the address as it was asked for
    socket.send([new Uint8Array(3), header, payload], program.port, program.address);
  });
  socket.on("error", () => {});
  socket.on("message", (message: Uint8Array, from: dgram.RemoteInfo) => {
    if (from.address !== remote) return; // anybody else on this machine
    program ??= from;
    const datagram = parse(message);
    if (datagram === undefined || from.port !== program.port) return;
    tunnels.send(datagram.key, datagram.target, datagram.payload);
  });
  await new Promise<void>((resolve) => socket.bind(0, local, resolve));
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      await tunnels.close();
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

/** Two reserved bytes, a fragment number, an address, a payload. Fragments are dropped, as section 7 allows. */
function parse(
  bytes: Uint8Array,
): { key: string; target: Target; payload: Uint8Array } | undefined {
  const at = 4;
  const kind = bytes[3];
  const length = kind === ADDRESS.ipv4 ? 4 : kind === ADDRESS.ipv6 ? 16 : 1 + bytes[at];
  const end = at + length + 2;
  if (bytes.length < end || bytes[2] !== 0 || !Object.values<number>(ADDRESS).includes(kind)) {
    return undefined;
  }
  const address = bytes.subarray(at, at + length);
  const hostname = kind === ADDRESS.ipv4
    ? address.join(".")
    : kind === ADDRESS.ipv6
    ? formatIpv6(new Uint8Array(address))
    : new TextDecoder().decode(address.subarray(1));
  const port = bytes[end - 2] * 256 + bytes[end - 1];
  return {
    key: bytes.subarray(3, end).join(),
    target: { hostname, port },
    payload: bytes.subarray(end),
  };
}

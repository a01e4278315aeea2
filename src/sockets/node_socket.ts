/**
 * A UDP socket through `node:dgram`, where FFI cannot be had.
 *
 * In Deno 2.9.6 its `connect` does not connect the kernel's socket, so no ICMP error comes through, and what comes from others than the
 * peer is filtered here (RFC 9298, section 3.1: it must be).
 *
 * @module
 */

import * as dgram from "node:dgram";
import { equalBytes } from "../bytes.ts";
import { formatIp, parseIp } from "../wire/address.ts";
import type { Endpoint, SocketPlan, UdpSocket, UdpSocketEvents } from "./udp_socket.ts";

const UNSPECIFIED: Readonly<Record<number, string>> = { 4: "0.0.0.0", 16: "::" };

/** Opens a socket. Rejects with an `Error` that has a `code`. */
export async function openNodeSocket(
  plan: SocketPlan,
  events: UdpSocketEvents,
): Promise<UdpSocket> {
  const remote = "remote" in plan ? plan.remote : undefined;
  const { address } = "remote" in plan ? plan.remote : plan.bind;
  const socket = dgram.createSocket({
    type: address.length === 4 ? "udp4" : "udp6",
    ipv6Only: true,
  });
  const bound = remote === undefined ? formatIp(address) : UNSPECIFIED[address.length];
  const port = "bind" in plan ? plan.bind.port : 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, bound, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  return new NodeSocket(socket, remote, events);
}

class NodeSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: dgram.Socket;
  readonly #remote: Endpoint | undefined;
  readonly #closed: Promise<void>;
  #isOpen = true;
  #drops = 0;

  constructor(socket: dgram.Socket, remote: Endpoint | undefined, events: UdpSocketEvents) {
    this.#socket = socket;
    this.#remote = remote;
    const { address, port } = socket.address();
    this.local = { address: parseIp(address)!, port };
    this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => this.#drops++);
    socket.on("message", (bytes: Uint8Array<ArrayBuffer>, from: dgram.RemoteInfo) => {
      const address = parseIp(from.address.replace(/%.*/, ""));
      if (address === undefined || !this.#isOpen) return;
      if (remote !== undefined) {
        if (from.port !== remote.port || !equalBytes(address, remote.address)) return;
      }
      const payload = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      events.datagram(payload, remote === undefined ? { address, port: from.port } : undefined);
      events.batchEnd();
    });
  }

  get drops(): number {
    return this.#drops;
  }

  send(payload: Uint8Array, to: Endpoint = this.#remote!): void {
    if (!this.#isOpen) return;
    // It sends later, and whoever called may use the bytes again.
    this.#socket.send(payload.slice(), to.port, formatIp(to.address), (error) => {
      if (error) this.#drops++;
    });
  }

  close(): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#socket.close();
    }
    return this.#closed;
  }
}

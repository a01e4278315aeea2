/**
 * A UDP socket through FFI: no object and no promise for a datagram, and a connected one hears what ICMP says.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  errnoName,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  libc,
  SO_RCVBUF,
  SOCK_DGRAM_NONBLOCK_CLOEXEC,
  SOL_SOCKET,
  systemError,
} from "./libc.ts";
import { Poller } from "./poller.ts";
import { getSockaddr, setSockaddr, SOCKADDR_BYTES } from "./sockaddr.ts";
import type { Endpoint, SocketPlan, UdpSocket, UdpSocketEvents } from "./udp_socket.ts";

/** Datagrams taken from one socket before the others get their turn. */
const BATCH = 64;

/** Longer than any datagram of UDP. */
const DATAGRAM_BYTES = 65_536;

/** Room asked of the kernel: a burst of 400 packets of 1,200 bytes. It gives what `net.core.rmem_max` allows. */
const RECEIVE_ROOM_BYTES = 1 << 20;

/** Errors that cost one datagram and say nothing about the socket. */
const PASSING: ReadonlySet<string> = new Set(["EAGAIN", "ENOBUFS", "EMSGSIZE", "EINTR", "ENOMEM"]);

/** One for all: what is received is handed over before the next is read. */
const inbound = new Uint8Array(DATAGRAM_BYTES);
const name = new Uint8Array(SOCKADDR_BYTES);
const nameLength = new Uint8Array(4);

let poller: Poller | undefined;

/** A socket of the kernel. */
export class KernelSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #libc = libc();
  readonly #descriptor: number;
  readonly #events: UdpSocketEvents;
  readonly #isConnected: boolean;
  #isOpen = true;
  #closed: Promise<void> | undefined;
  #drops = 0;
  #failure: string | undefined;

  /** Opens it. Throws an `Error` with a `code`. */
  constructor(plan: SocketPlan, events: UdpSocketEvents) {
    this.#events = events;
    this.#isConnected = "remote" in plan;
    const endpoint = "remote" in plan ? plan.remote : plan.bind;
    const isV4 = endpoint.address.length === 4;
    const family = isV4 ? AF_INET : AF_INET6;
    this.#descriptor = this.#libc.socket(family, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
    if (this.#descriptor < 0) throw systemError("open a UDP socket");
    try {
      this.#option(SOL_SOCKET, SO_RCVBUF, RECEIVE_ROOM_BYTES);
      if (!isV4) this.#option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
      const length = setSockaddr(name, endpoint);
      const call = this.#isConnected ? this.#libc.connect : this.#libc.bind;
      if (call(this.#descriptor, name, length) < 0) {
        throw systemError(this.#isConnected ? "reach the target" : "bind a UDP socket");
      }
      this.local = this.#readLocal();
      poller ??= new Poller();
      poller.add(this.#descriptor, () => this.#receive());
    } catch (error) {
      this.#libc.close(this.#descriptor);
      throw error;
    }
  }

  get drops(): number {
    return this.#drops;
  }

  send(payload: Uint8Array, to?: Endpoint): void {
    if (!this.#isOpen) return;
    const sent = to === undefined
      ? this.#libc.send(this.#descriptor, payload, payload.length, 0)
      : this.#libc.sendto(
        this.#descriptor,
        payload,
        payload.length,
        0,
        name,
        setSockaddr(name, to),
      );
    if (sent >= 0) return;
    this.#drops++;
    if (this.#isConnected) this.#note(errnoName());
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#isOpen = false;
      this.#closed = poller!.remove(this.#descriptor);
      this.#libc.close(this.#descriptor);
    }
    return this.#closed;
  }

  #receive(): void {
    const { recv, recvfrom } = this.#libc;
    for (let i = 0; i < BATCH && this.#isOpen; i++) {
      nameLength[0] = SOCKADDR_BYTES;
      const length = this.#isConnected
        ? recv(this.#descriptor, inbound, DATAGRAM_BYTES, 0)
        : recvfrom(this.#descriptor, inbound, DATAGRAM_BYTES, 0, name, nameLength);
      if (length < 0) {
        this.#note(errnoName());
        break;
      }
      const from = this.#isConnected ? undefined : getSockaddr(name);
      this.#events.datagram(inbound.subarray(0, length), from);
    }
    this.#events.batchEnd();
  }

  /** An error of a socket for all is about one of its peers, and says nothing about the others. */
  #note(code: string): void {
    if (PASSING.has(code) || !this.#isConnected || this.#failure !== undefined) return;
    this.#failure = code;
    // Never from within a call of the owner's.
    queueMicrotask(() => this.#isOpen && this.#events.failed(code));
  }

  #option(level: number, option: number, value: number): void {
    this.#libc.setsockopt(
      this.#descriptor,
      level,
      option,
      new Uint8Array(Int32Array.of(value).buffer),
      4,
    );
  }

  #readLocal(): Endpoint {
    nameLength[0] = SOCKADDR_BYTES;
    this.#libc.getsockname(this.#descriptor, name, nameLength);
    return getSockaddr(name);
  }
}

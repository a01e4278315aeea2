/**
 * One UDP tunnel in the proxy (RFC 9298, sections 3.1 and 5): capsules of the client here, a connected socket there. The life of the socket
 * is the life of the request.
 *
 * @module
 */

import { type CapsuleFault, DATAGRAM_CAPSULE } from "../../masque/capsule.ts";
import {
  contextOf,
  MAX_DATAGRAM_BYTES,
  MAX_UDP_PAYLOAD_BYTES,
  payloadOf,
  UDP_CONTEXT,
} from "../../masque/datagram.ts";
import type { UdpSocket, UdpSocketEvents } from "../../sockets/udp_socket.ts";
import { CapsuleStream, type CapsuleTransport } from "./capsule_stream.ts";

/** A UDP tunnel, before and after it is opened: its socket may speak before the client has its answer. */
export class UdpRelay implements UdpSocketEvents {
  /** The client's side: bytes go in by `take` and `takeEnd`. */
  readonly stream: CapsuleStream;
  readonly #context: number | undefined;
  readonly #over = Promise.withResolvers<void>();
  #socket: UdpSocket | undefined;

  /** `isDraft03`: chunks of draft-ietf-masque-connect-udp-03, which have no Context ID. */
  constructor(transport: CapsuleTransport, idleMs: number, isDraft03: boolean = false) {
    this.#context = isDraft03 ? undefined : UDP_CONTEXT;
    const rules = {
      maxLength: (type: number) => type === DATAGRAM_CAPSULE ? MAX_DATAGRAM_BYTES : -1,
      capsule: (_type: number, value: Uint8Array<ArrayBuffer>) => this.#send(value),
    };
    this.stream = new CapsuleStream(transport, rules, idleMs, () => this.#close());
  }

  /** Settles when the tunnel is over and its socket closed. */
  get closed(): Promise<void> {
    return this.#over.promise;
  }

  /** Joins the socket to the stream, once the head of the answer has been written. */
  start(socket: UdpSocket): void {
    this.#socket = socket;
    this.stream.start();
  }

  /** A datagram from the target. */
  datagram(payload: Uint8Array): void {
    this.stream.send(this.#context, payload);
  }

  /** No further one for the moment. */
  batchEnd(): void {
    this.stream.flush();
  }

  /** The kernel says that the socket is of no use any more: RFC 9298, section 3.1, asks to close the stream. */
  failed(): void {
    this.stream.break();
  }

  #send(value: Uint8Array<ArrayBuffer>): CapsuleFault | undefined {
    let payload = value;
    if (this.#context !== undefined) {
      if (contextOf(value) !== this.#context) return undefined; // nobody opened it
      payload = payloadOf(value);
    }
    if (payload.length > MAX_UDP_PAYLOAD_BYTES) {
      return "it holds a payload longer than UDP has them";
    }
    this.#socket!.send(payload);
  }

  #close(): void {
    if (this.#socket === undefined) this.#over.resolve();
    else void this.#socket.close().then(this.#over.resolve);
  }
}

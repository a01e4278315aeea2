/**
 * An association of the core as a pair of Web Streams of datagrams, and the batch path beside them, which has neither promises nor chunks.
 *
 * @module
 */

import type { Refusal } from "../outcome.ts";
import type { AssociationEndedEvent } from "../stack/events.ts";
import type { AssociationListener, Driver } from "./driver.ts";
import type { SocketAddress, UdpFlow, UdpFlowEnd } from "./types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The flow of one accepted association. */
export class AssociationFlow implements UdpFlow, AssociationListener {
  readonly id: number;
  readonly protocol = "udp";
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly closed: Promise<UdpFlowEnd>;

  readonly #driver: Driver;
  readonly #settleClosed: (end: UdpFlowEnd) => void;
  #wake: (() => void) | undefined;

  /** Takes over the association `id` of the driver's stack. */
  constructor(driver: Driver, id: number, source: SocketAddress, destination: SocketAddress) {
    this.#driver = driver;
    this.id = id;
    this.source = source;
    this.destination = destination;
    const { promise, resolve } = Promise.withResolvers<UdpFlowEnd>();
    this.closed = promise;
    this.#settleClosed = resolve;
    this.readable = new ReadableStream<Bytes>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Bytes>({
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: () => this.close("port-unreachable"),
    });
    driver.listenToAssociation(id, this);
  }

  /** Sends one datagram to the program. */
  send(payload: Uint8Array): void {
    this.#driver.stack.associations.send(this.id, payload);
    this.#driver.schedule();
  }

  /** Sends one datagram to the program from somebody else. */
  sendFrom(from: SocketAddress, payload: Uint8Array): void {
    this.#driver.stack.associations.sendFrom(this.id, from, payload);
    this.#driver.schedule();
  }

  /** Hands over datagrams of the program from now on. */
  receive(taker: (payload: Uint8Array) => void): void {
    this.#driver.stack.associations.listen(this.id, taker);
  }

  /** Ends the association. */
  close(refusal?: Refusal): void {
    this.#driver.stack.associations.end(this.id, refusal);
    this.#driver.schedule();
  }

  async #pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    for (;;) {
      const found = this.#driver.stack.associations.read(this.id);
      if (found === "end") return controller.close();
      if (found !== "none") return controller.enqueue(found);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #write(chunk: Bytes): void {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot write a chunk of type "${typeof chunk}": it must be a Uint8Array`,
      );
    }
    this.send(chunk);
  }

  onReadable(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  onEnded({ reason, outboundBytes, inboundBytes, dropped }: AssociationEndedEvent): void {
    this.onReadable();
    this.#settleClosed({ reason, outboundBytes, inboundBytes, dropped });
  }
}

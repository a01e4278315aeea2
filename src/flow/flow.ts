/**
 * A TCP flow of the core as a pair of Web Streams. It has no queue of its own: a read takes from the core what the
 * receive window let in, a write waits for room in the core's send queue.
 *
 * @module
 */

import { FlowError } from "../errors.ts";
import type { EndedEvent } from "../stack/events.ts";
import type { Driver, FlowListener } from "./driver.ts";
import type { FlowEnd, SocketAddress, TcpFlow } from "./types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A promise to be settled later. */
interface Waiter {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: unknown): void;
}

/** The flow of one accepted SYN. */
export class StackFlow implements TcpFlow, FlowListener {
  readonly id: number;
  readonly protocol = "tcp";
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly closed: Promise<FlowEnd>;

  readonly #driver: Driver;
  #settleClosed!: (end: FlowEnd) => void;
  #writableController!: WritableStreamDefaultController;
  #readWaiter: Waiter | undefined;
  #writeWaiter: Waiter | undefined;
  #endReason: FlowEnd["reason"] | undefined;

  /** Takes over the flow `id` of the driver's stack. */
  constructor(driver: Driver, id: number, source: SocketAddress, destination: SocketAddress) {
    this.#driver = driver;
    this.id = id;
    this.source = source;
    this.destination = destination;
    this.closed = new Promise((resolve) => this.#settleClosed = resolve);
    this.readable = new ReadableStream<Bytes>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Bytes>({
      start: (controller) => {
        this.#writableController = controller;
        // Not the sink's `abort`: that one waits for the write under way, which a program that stalls never lets settle.
        controller.signal.addEventListener("abort", () => this.#abort());
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
    });
    driver.listen(id, this);
  }

  async #pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    for (;;) {
      const found = this.#driver.stack.read(this.id);
      // The read may have opened the window, and the end may have freed the flow.
      this.#driver.schedule();
      if (found instanceof Uint8Array) return controller.enqueue(found);
      if (found === "end") return controller.close();
      if (found === "reset") return controller.error(this.#error());
      this.#readWaiter = newWaiter();
      await this.#readWaiter.promise;
    }
  }

  #cancel(): void {
    this.#driver.stack.stopReading(this.id, this.#driver.now());
    this.#driver.schedule();
  }

  #write(chunk: Bytes): Promise<void> | undefined {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot write a chunk of type "${typeof chunk}": it must be a Uint8Array`,
      );
    }
    const hasRoom = this.#driver.stack.write(this.id, chunk);
    this.#driver.schedule();
    if (hasRoom) return undefined;
    this.#writeWaiter = newWaiter();
    return this.#writeWaiter.promise;
  }

  #close(): void {
    this.#driver.stack.closeWrite(this.id);
    this.#driver.schedule();
  }

  #abort(): void {
    this.#driver.stack.reset(this.id);
    this.#driver.schedule();
  }

  onReadable(): void {
    this.#readWaiter?.resolve();
    this.#readWaiter = undefined;
  }

  onWritable(): void {
    this.#writeWaiter?.resolve();
    this.#writeWaiter = undefined;
  }

  onEnded(event: EndedEvent): void {
    this.#endReason = event.reason;
    this.onReadable();
    if (event.reason !== "finished") {
      const error = this.#error();
      this.#writeWaiter?.reject(error);
      this.#writableController.error(error);
    }
    const { reason, outboundBytes, inboundBytes } = event;
    this.#settleClosed({ reason, outboundBytes, inboundBytes });
  }

  #error(): FlowError {
    return new FlowError(this.#endReason === "timeout" ? "timeout" : "reset");
  }
}

function newWaiter(): Waiter {
  return Promise.withResolvers<void>();
}

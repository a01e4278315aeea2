/**
 * A TCP flow of the core as bytes for whoever carries them on, and as a pair of Web Streams for whoever asks for these. It has no queue of its
 * own: a read takes from the core what the receive window let in, a write waits for room in the core's send queue.
 *
 * @module
 */

import { type ByteEnd, type ByteListener, ByteStreams, type NoBytes } from "../byte_end.ts";
import { FlowError } from "../errors.ts";
import type { EndedEvent } from "../stack/events.ts";
import type { Driver, FlowListener } from "./driver.ts";
import type { FlowEnd, SocketAddress, TcpFlow } from "./types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The flow of one accepted SYN. Ten thousand of them may be silent, so nothing is made before it is asked for. */
export class StackFlow implements TcpFlow, FlowListener, ByteEnd<FlowEnd> {
  readonly id: number;
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly #driver: Driver;
  #listener: ByteListener | undefined;
  #closed: Promise<FlowEnd> | undefined;
  #settleClosed: ((end: FlowEnd) => void) | undefined;
  outcome: FlowEnd | undefined;
  failure: FlowError | undefined;

  /** Takes over the flow `id` of the driver's stack. */
  constructor(driver: Driver, id: number, source: SocketAddress, destination: SocketAddress) {
    this.#driver = driver;
    this.id = id;
    this.source = source;
    this.destination = destination;
    driver.listen(id, this);
  }

  get protocol(): "tcp" {
    return "tcp";
  }

  get bytes(): ByteEnd<FlowEnd> {
    return this;
  }

  get readable(): ReadableStream<Bytes> {
    return this.#streams().readable;
  }

  get writable(): WritableStream<Bytes> {
    return this.#streams().writable;
  }

  #streams(): ByteStreams {
    return this.#listener instanceof ByteStreams ? this.#listener : new ByteStreams(this);
  }

  get closed(): Promise<FlowEnd> {
    return this.#closed ??= this.outcome === undefined
      ? new Promise((resolve) => this.#settleClosed = resolve)
      : Promise.resolve(this.outcome);
  }

  get isCut(): boolean {
    return this.failure !== undefined;
  }

  listen(listener: ByteListener): void {
    if (this.#listener !== undefined) {
      throw new TypeError("Cannot take the bytes of a flow twice: use its streams or its bytes");
    }
    this.#listener = listener;
    if (this.failure !== undefined) listener.onBroken();
    if (this.outcome !== undefined) listener.onClosed();
  }

  read(): Bytes | NoBytes {
    const found = this.#driver.stack.read(this.id);
    // The read may have opened the window, and the end may have freed the flow.
    this.#driver.schedule();
    if (found === "reset") this.failure ??= new FlowError("reset");
    return found;
  }

  write(chunk: Bytes): boolean {
    const hasRoom = this.#driver.stack.write(this.id, chunk);
    this.#driver.schedule();
    return hasRoom;
  }

  end(): boolean {
    this.#driver.stack.closeWrite(this.id);
    this.#driver.schedule();
    return true;
  }

  stopReading(): void {
    this.#driver.stack.stopReading(this.id, this.#driver.now());
    this.#driver.schedule();
  }

  break(): void {
    this.#driver.stack.reset(this.id);
    this.#driver.schedule();
  }

  onReadable(): void {
    this.#listener?.onReadable();
  }

  onWritable(): void {
    this.#listener?.onWritable();
  }

  onEnded({ reason, outboundBytes, inboundBytes }: EndedEvent): void {
    this.outcome = { reason, outboundBytes, inboundBytes };
    if (reason !== "finished") {
      this.failure ??= new FlowError(reason);
      this.#listener?.onBroken();
    }
    this.#listener?.onClosed();
    this.#settleClosed?.(this.outcome);
  }
}

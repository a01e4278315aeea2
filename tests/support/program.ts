/**
 * An unmodified program without a kernel: one TCP connection over a pair of packet streams.
 *
 * @module
 */

import { concatBytes } from "../../src/bytes.ts";
import { ENDED } from "../../src/tcp/tcb.ts";
import { FRAME_HEADER_LENGTH } from "../../src/wire/virtio.ts";
import { ClientHost, type ClientOptions } from "./client_host.ts";

/** A pair of packet streams: the far end of a device, or a stack itself. */
export interface PacketPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;

/** A connection of a program. The link must not lose packets: there are no timers here. */
export class Program implements AsyncDisposable {
  readonly client: ClientHost;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #received: Uint8Array[] = [];
  #length = 0;
  readonly #done: Promise<void>;
  #changed = Promise.withResolvers<void>();
  /** `icmp TYPE CODE` or `reset`, once the program was refused or reset. */
  failure: string | undefined;
  hasEnd = false;

  /** Sends its SYN at once. */
  constructor(packets: PacketPair, options: ClientOptions = {}) {
    this.client = new ClientHost(options, performance.now());
    this.#writer = packets.writable.getWriter();
    this.#reader = packets.readable.getReader();
    this.#send();
    this.#done = this.#listen();
  }

  /** Waits until the state of RFC 9293 is `state`. */
  async reaches(state: string): Promise<void> {
    while (this.client.endpoint.state !== state) {
      if (this.failure !== undefined) throw new Error(`The program saw ${this.failure}`);
      await this.#changed.promise;
    }
  }

  /** Waits until the program failed, and says how. */
  async fails(): Promise<string> {
    while (this.failure === undefined) await this.#changed.promise;
    return this.failure;
  }

  /** Waits until `count` bytes of the program are acknowledged. */
  async sends(count: number): Promise<void> {
    while (this.client.endpoint.inboundBytes < count) {
      if (this.failure !== undefined) throw new Error(`The program saw ${this.failure}`);
      await this.#changed.promise;
    }
  }

  /** Sends bytes. */
  write(bytes: Uint8Array): void {
    this.client.endpoint.write(bytes);
    this.#send();
  }

  /** Sends FIN. */
  closeWrite(): void {
    this.client.endpoint.closeWrite();
    this.#send();
  }

  /** Sends RST. */
  reset(): void {
    this.client.endpoint.reset();
    this.#send();
  }

  /** All bytes up to the FIN, or up to `count`. */
  async read(count = Infinity): Promise<Uint8Array> {
    for (;;) {
      if (this.hasEnd || this.#length >= count) return concatBytes(this.#received);
      if (this.failure !== undefined) throw new Error(`The program saw ${this.failure}`);
      await this.#changed.promise;
    }
  }

  /** Takes bytes from the endpoint: without it the program does not read and its window closes. */
  #take(): void {
    for (;;) {
      const found = this.client.endpoint.read();
      if (found === "end") this.hasEnd = true;
      if (found === "reset" && this.failure === undefined) this.failure = "reset";
      if (!(found instanceof Uint8Array)) return;
      this.#received.push(found);
      this.#length += found.length;
    }
  }

  #send(): void {
    for (const frame of this.client.poll(performance.now())) {
      this.#writer.write(frame.subarray(FRAME_HEADER_LENGTH)).catch(() => {});
    }
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { value: packet, done } = await this.#reader.read();
      if (done) return;
      this.#arrive(packet);
      this.#send();
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  #arrive(packet: Uint8Array): void {
    const isV4 = packet[0] >>> 4 === 4;
    const protocol = isV4 ? packet[9] : packet[6];
    if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
      const at = isV4 ? 20 : 40;
      this.failure = `icmp ${packet[at]} ${packet[at + 1]}`;
      return;
    }
    const frame = concatBytes([new Uint8Array(FRAME_HEADER_LENGTH), packet]);
    this.client.take(frame, performance.now());
    if (
      (this.client.endpoint.takeEvents() & ENDED) !== 0 &&
      this.client.endpoint.endReason !== "finished"
    ) {
      this.failure = this.client.endpoint.endReason;
    }
    this.#take();
  }

  /** Lets go of the streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.#writer.close().catch(() => {});
    await this.#done.catch(() => {});
  }
}

/**
 * Programs behind a stack without a kernel, to measure the core alone.
 *
 * @module
 */

import { Stack } from "../../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../../src/wire/virtio.ts";
import { ClientHost } from "../../support/client_host.ts";

/** As large as packets get, as the kernel hands them over when it leaves the cutting to others. */
const MTU = 65_535;
/** VIRTIO_NET_HDR_F_NEEDS_CSUM: the sender is this machine, whose checksum is not computed. */
const NEEDS_CHECKSUM = 1;
const FIRST_PORT = 1024;

/** A stack and its programs, each with one open connection. */
export class Traffic {
  readonly stack: Stack;
  readonly #clients: ClientHost[] = [];
  readonly #ids: number[] = [];
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);
  /** Buffers of frames that wait in `give`, and the frames: nothing is to be copied while the clock runs. */
  readonly #given: Uint8Array[] = [];
  readonly #waiting: Uint8Array[] = [];
  #now = 0;

  /** Opens `count` connections, on as many ports and addresses as that takes. */
  constructor(count: number) {
    const secret = Uint8Array.from({ length: 16 }, (_, i) => 7 * i);
    const limits = { flows: count + 1, requests: count + 1 };
    this.stack = new Stack({ mtu: MTU, offload: true, secret, limits });
    for (let i = 0; i < count; i++) this.#open(i);
  }

  #open(i: number): void {
    const sourcePort = FIRST_PORT + i % 50_000;
    const destination = `203.0.113.${1 + i % 200}`;
    const client = new ClientHost({ sourcePort, destination, mtu: MTU }, this.#now);
    this.#clients.push(client);
    this.#deliver(client);
    const event = this.stack.pollEvent();
    if (event?.type !== "request") throw new Error("The SYN was no request");
    this.stack.accept(event.id);
    this.#ids.push(event.id);
    this.settle(i);
  }

  /** Frames of connection `i` that carry `bytes`, ready to be handed over by {@linkcode take}. */
  frames(i: number, bytes: Uint8Array): Uint8Array[] {
    this.#clients[i].endpoint.write(bytes);
    const frames = this.#clients[i].poll(this.#now);
    for (const frame of frames) frame[0] = NEEDS_CHECKSUM;
    return frames;
  }

  /** What is measured: frames in, and their payload out. Returns its length. */
  take(i: number, frames: readonly Uint8Array[]): number {
    for (const frame of frames) this.stack.handlePacket(frame, frame.length, this.#now);
    let length = 0;
    for (let found; (found = this.stack.read(this.#ids[i])) instanceof Uint8Array;) {
      length += found.length;
    }
    return length;
  }

  /** Bytes for the program as frames; the other direction. Returns how many. */
  give(i: number, bytes: Uint8Array): number {
    this.stack.write(this.#ids[i], bytes);
    let sent = 0;
    for (;; sent++) {
      const frame = this.#given[this.#waiting.length] ??= new Uint8Array(MAX_FRAME_LENGTH);
      const length = this.stack.pollPacket(frame, this.#now);
      if (length === 0) return sent;
      this.#waiting.push(frame.subarray(0, length));
    }
  }

  /** Lets everything between connection `i` and the stack arrive. */
  settle(i: number): void {
    const client = this.#clients[i];
    for (const frame of this.#waiting) client.receive(frame, this.#now);
    this.#waiting.length = 0;
    for (let busy = true; busy;) {
      busy = false;
      for (let length; (length = this.stack.pollPacket(this.#frame, this.#now)) > 0;) {
        // Whatever the stack leaves to the kernel, the client does not look at.
        client.receive(this.#frame.subarray(0, length), this.#now);
        busy = true;
      }
      busy = this.#deliver(client) || busy;
    }
    while (this.stack.pollEvent() !== undefined);
    while (client.endpoint.read() instanceof Uint8Array);
    this.#now += 1;
  }

  #deliver(client: ClientHost): boolean {
    const frames = client.poll(this.#now);
    for (const frame of frames) this.stack.handlePacket(frame, frame.length, this.#now);
    return frames.length > 0;
  }
}

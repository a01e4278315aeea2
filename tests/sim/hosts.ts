/**
 * The hosts that run our own TCP: a whole stack with an application behind each flow, and one endpoint that opens actively.
 *
 * @module
 */

import { Stack, type StackOptions } from "../../src/stack/stack.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { ClientHost, type ClientOptions } from "../support/client_host.ts";
import { decode } from "../support/naive_packet.ts";
import type { App, Socket } from "./app.ts";
import type { Host } from "./world.ts";

/** A stack that accepts the first request after a while. */
export class StackHost implements Host {
  readonly stack: Stack;
  /** The flow; 0 before there is one. */
  id = 0;
  readonly #app: App;
  readonly #acceptDelayMs: number;
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);
  #acceptAt = Infinity;
  #isOpen = false;
  #mayWrite = true;
  readonly #socket: Socket = {
    read: () => this.stack.read(this.id),
    write: (chunk) => this.#mayWrite = this.stack.write(this.id, chunk),
    canWrite: () => this.#mayWrite,
    closeWrite: () => this.stack.closeWrite(this.id),
  };

  constructor(options: StackOptions, app: App, acceptDelayMs: number) {
    this.stack = new Stack(options);
    this.#app = app;
    this.#acceptDelayMs = acceptDelayMs;
  }

  take(frame: Uint8Array, now: number): void {
    this.stack.handlePacket(frame, frame.length, now);
  }

  wake(now: number): void {
    this.stack.handleTimeout(now);
    if (now < this.#acceptAt) return;
    this.#acceptAt = Infinity;
    this.stack.accept(this.id);
  }

  poll(now: number): Uint8Array[] {
    for (let event; (event = this.stack.pollEvent()) !== undefined;) {
      if (event.type === "request" && this.id !== 0) {
        // A SYN that was duplicated on the way and comes after the end.
        this.stack.refuse(event.id, "reset");
      } else if (event.type === "request") {
        this.id = event.id;
        this.#acceptAt = now + this.#acceptDelayMs;
      } else if (event.type === "opened") this.#isOpen = true;
      else if (event.type === "writable") this.#mayWrite = true;
    }
    if (this.#isOpen) this.#app.pump(this.#socket, now);
    const frames: Uint8Array[] = [];
    for (let length; (length = this.stack.pollPacket(this.#frame, now)) > 0;) {
      frames.push(this.#frame.slice(0, length));
    }
    return frames;
  }

  nextTimeout(): number {
    return Math.min(this.stack.nextTimeout(), this.#acceptAt, this.#app.nextTimeout());
  }
}

/** One endpoint of ours on the program's side. */
export class EndpointHost implements Host {
  readonly client: ClientHost;
  readonly #app: App;
  #mayWrite = true;
  readonly #socket: Socket;

  constructor(options: ClientOptions, app: App) {
    this.client = new ClientHost(options);
    this.#app = app;
    const { endpoint } = this.client;
    this.#socket = {
      read: () => endpoint.read(),
      write: (chunk) => this.#mayWrite = endpoint.write(chunk),
      canWrite: () => this.#mayWrite,
      closeWrite: () => endpoint.closeWrite(),
    };
  }

  take(frame: Uint8Array, now: number): void {
    try {
      decode(frame);
    } catch {
      return; // corrupted on the way
    }
    this.client.take(frame, now);
  }

  wake(now: number): void {
    this.client.endpoint.handleTimeout(now);
  }

  poll(now: number): Uint8Array[] {
    const { endpoint } = this.client;
    const WRITABLE = 4;
    if ((endpoint.takeEvents() & WRITABLE) !== 0) this.#mayWrite = true;
    if (!["SYN-SENT", "SYN-RECEIVED"].includes(endpoint.state)) this.#app.pump(this.#socket, now);
    return this.client.poll(now);
  }

  nextTimeout(): number {
    return Math.min(this.client.endpoint.nextTimeout(), this.#app.nextTimeout());
  }
}

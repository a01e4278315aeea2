/**
 * Drives the core: gives it the time, carries its events to the flows, its packets to the output, and arms its timer.
 *
 * This room is the shell around `stack/`: it lets the outside world in (clock, promises, Web Streams) and decides nothing
 * about TCP.
 *
 * @module
 */

import type {
  AssociationEndedEvent,
  DatagramEvent,
  EndedEvent,
  RequestEvent,
  SocketAddress,
  StrayEvent,
} from "../stack/events.ts";
import { setImmediate } from "node:timers";
import { Stack, type StackOptions } from "../stack/stack.ts";
import type { Clock } from "./clock.ts";

/** What a flow wants to hear of itself. */
export interface FlowListener {
  /** A read that found nothing may look again. */
  onReadable(): void;
  /** A writer that was told to wait may go on. */
  onWritable(): void;
  /** Both directions are over. */
  onEnded(event: EndedEvent): void;
}

/** What an association wants to hear of itself. */
export interface AssociationListener {
  /** A read that found nothing may look again. */
  onReadable(): void;
  /** It is over. */
  onEnded(event: AssociationEndedEvent): void;
}

/** Where packets go: a device writes them at once, a stream when somebody reads. True when it has left some for the next turn. */
export type Output = (stack: Stack, now: number) => boolean;

/** Takes packets that wait already, without waiting for more; true when there may be others behind them. */
export type Input = (now: number) => boolean;

/** In how many turns a late timer lets packets go first: half a thousand packets, the queue of a TUN device as the kernel makes it. */
const MAX_TURNS_FOR_INPUT = 16;

/** What the driver hands on that belongs to no flow yet. */
export interface DriverListener {
  /** A SYN, or the first datagram of an association, waits for an answer. */
  onRequest(event: RequestEvent): void;
  /** A datagram to one of the stack's datagram ports. */
  onDatagram(event: DatagramEvent): void;
  /** A packet of another stack. */
  onStray(event: StrayEvent): void;
}

/** The loop around one stack. */
export class Driver {
  readonly stack: Stack;
  readonly #clock: Clock;
  readonly #listener: DriverListener;
  readonly #flows = new Map<number, FlowListener>();
  readonly #associations = new Map<number, AssociationListener>();
  /** Where packets go; set by whoever takes them. */
  output: Output = () => false;
  /** Where packets wait that no one has told of yet; set by whoever reads a device. */
  input: Input = () => false;
  /** Turns in a row in which packets went before a deadline. */
  #inputTurns = 0;
  #isScheduled = false;
  /** The turn's bound of packets is reached. */
  #isOutputLate = false;
  #isClosed = false;

  /** Drives a new stack. */
  constructor(options: StackOptions, clock: Clock, listener: DriverListener) {
    this.stack = new Stack(options);
    this.#clock = clock;
    this.#listener = listener;
  }

  /** The time of the core's clock. */
  now(): number {
    return this.#clock.now();
  }

  /** Sends what happens to a flow to `listener`, until it ends. */
  listen(id: number, listener: FlowListener): void {
    this.#flows.set(id, listener);
  }

  /** The same for an association. */
  listenToAssociation(id: number, listener: AssociationListener): void {
    this.#associations.set(id, listener);
  }

  /** Settles the core once the running task is done: many commands in a row cost one flush. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.flush(this.#clock.now()));
  }

  /** Drains events and packets, and arms the timer. */
  flush(now: number): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    for (let event; (event = this.stack.pollEvent()) !== undefined;) {
      if (event.type === "request") this.#listener.onRequest(event);
      else if (event.type === "datagram") this.#listener.onDatagram(event);
      else if (event.type === "stray") this.#listener.onStray(event);
      else if (event.type === "readable") this.#listenerOf(event.id)?.onReadable();
      else if (event.type === "writable") this.#flows.get(event.id)?.onWritable();
      else if (event.type === "ended") this.#end(event);
      else if (event.type === "association-ended") this.#endAssociation(event);
    }
    if (this.#isOutputLate) return;
    if (this.output(this.stack, now)) this.#goOnLater();
    else this.arm();
  }

  /** Packets beyond the bound of a turn wait until sockets and streams had theirs. */
  #goOnLater(): void {
    this.#isOutputLate = true;
    setImmediate(() => {
      this.#isOutputLate = false;
      this.flush(this.#clock.now());
    });
  }

  /** Arms the timer for the core's next deadline. An output that polls later calls this once it found nothing more. */
  arm(): void {
    if (!this.#isClosed) this.#clock.arm(this.stack.nextTimeout(), this.#wake);
  }

  readonly #wake = () => {
    const now = this.#clock.now();
    // After this program was held up, the acknowledgment that a deadline waited for may stand in the device: what waits goes first.
    const mayBeMore = this.input(now);
    if (!mayBeMore || ++this.#inputTurns > MAX_TURNS_FOR_INPUT) {
      this.#inputTurns = 0;
      this.stack.handleTimeout(now);
    }
    this.flush(now);
  };

  #end(event: EndedEvent): void {
    const listener = this.#flows.get(event.id);
    this.#flows.delete(event.id);
    listener?.onEnded(event);
  }

  #endAssociation(event: AssociationEndedEvent): void {
    const listener = this.#associations.get(event.id);
    this.#associations.delete(event.id);
    listener?.onEnded(event);
  }

  #listenerOf(id: number): FlowListener | AssociationListener | undefined {
    return this.#flows.get(id) ?? this.#associations.get(id);
  }

  /** Sends a datagram to a program. */
  sendDatagram(from: SocketAddress, to: SocketAddress, payload: Uint8Array): void {
    this.stack.sendDatagram(from, to, payload);
    this.schedule();
  }

  /** Resets every flow, ends every association, sends what that takes, and stops the clock. */
  close(): void {
    if (this.#isClosed) return;
    for (const id of this.#flows.keys()) this.stack.reset(id);
    for (const id of this.#associations.keys()) this.stack.associations.end(id);
    const now = this.#clock.now();
    this.flush(now);
    while (this.output(this.stack, now));
    this.#isClosed = true;
    this.#clock.arm(Infinity, this.#wake);
  }
}

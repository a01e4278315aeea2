/**
 * One UDP association: what a program and one far side send each other, for as long as the program goes on. PURE: no clock, no promise.
 *
 * UDP has no opening and no end, so its life is a deadline that every datagram of the program moves (RFC 4787, section 4.3, REQ-6);
 * datagrams of the far side do not, or whoever sends them could keep it alive for ever. No ICMP error ends it (REQ-12).
 *
 * @module
 */

import { DNS_PORT } from "./constants.ts";
import { type AllWaiting, type WaitingBounds, WaitingDatagrams } from "./waiting.ts";

/** Takes a datagram in the turn in which it comes; the bytes are used again once this returns. */
export type DatagramListener = (payload: Uint8Array) => void;

/** What an association is told at its birth. */
export interface AssociationConfig extends WaitingBounds {
  /** How long it lives without a datagram of the program, in milliseconds. */
  readonly idleMs: number;
  /** The same for one to port 53 whose last question was answered. */
  readonly answeredDnsIdleMs: number;
}

/** One association. */
export class Association {
  readonly #config: AssociationConfig;
  readonly #isDns: boolean;
  readonly #waiting: WaitingDatagrams;
  #listener: DatagramListener | undefined;
  #lastOutboundAt: number;
  #isAnswered = false;
  /** Bytes of payload from the program. */
  outboundBytes = 0;
  /** Bytes of payload to the program. */
  inboundBytes = 0;
  /** Datagrams towards the program that were lost here. */
  inboundDropped = 0;

  /** Begins at `now`, towards `port` of the far side; `all` bounds what waits in this one and others together. */
  constructor(config: AssociationConfig, all: AllWaiting, port: number, now: number) {
    this.#config = config;
    this.#isDns = port === DNS_PORT;
    this.#waiting = new WaitingDatagrams(config, all);
    this.#lastOutboundAt = now;
  }

  /** When it is over, unless the program sends something before. */
  get deadline(): number {
    const { idleMs, answeredDnsIdleMs } = this.#config;
    return this.#lastOutboundAt + (this.#isDns && this.#isAnswered ? answeredDnsIdleMs : idleMs);
  }

  /** Datagrams of both directions that were lost here. */
  get dropped(): number {
    return this.#waiting.dropped + this.inboundDropped;
  }

  /** Datagrams of the program that nobody has taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** A datagram of the program, at `frame[start..end)`. Gives how many had to be dropped for it. */
  handleDatagram(frame: Uint8Array, start: number, end: number, now: number): number {
    this.#lastOutboundAt = now;
    this.#isAnswered = false;
    this.outboundBytes += end - start;
    if (this.#listener === undefined) return this.#waiting.push(frame, start, end);
    this.#listener(frame.subarray(start, end));
    return 0;
  }

  /** A datagram of the far side leaves for the program. */
  noteInbound(bytes: number): void {
    this.#isAnswered = true;
    this.inboundBytes += bytes;
  }

  /** Takes the datagram that waits longest; undefined when none does. */
  read(): Uint8Array<ArrayBuffer> | undefined {
    return this.#waiting.shift();
  }

  /** It is over, and what waits is gone. */
  end(): void {
    this.#waiting.clear();
  }

  /** Hands over what waits, and from now on every datagram as it comes. */
  listen(listener: DatagramListener): void {
    this.#listener = listener;
    for (let payload; (payload = this.#waiting.shift()) !== undefined;) listener(payload);
  }
}

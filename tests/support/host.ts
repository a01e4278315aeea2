/**
 * A stack without a device: packets in, packets out, drops and time, for tests of what lies below TCP.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Stack, type StackOptions } from "../../src/stack/stack.ts";
import { frameOf } from "./naive_ip.ts";

/** A stack that answers echo for the far hosts of `HOSTS`, and has no UDP unless `limits` say so: a datagram is what provokes an ICMP error. */
export class Host {
  readonly stack: Stack;
  now: number;
  readonly #frame = new Uint8Array(70_000);

  constructor(options: Partial<StackOptions> = {}, now = 0) {
    const secret = Uint8Array.from({ length: 16 }, (_, i) => i);
    const addresses = ["203.0.113.5", "2001:db8::5"];
    const limits = { associations: 0, ...options.limits };
    this.stack = new Stack({ mtu: 1500, offload: false, secret, addresses, ...options, limits });
    this.now = now;
  }

  /** Hands a packet over. */
  send(packet: Uint8Array): this {
    const frame = frameOf(packet);
    this.stack.handlePacket(frame, frame.length, this.now);
    return this;
  }

  /** Hands packets over and gives what the stack sends. */
  ask(...packets: Uint8Array[]): Uint8Array[] {
    for (const packet of packets) this.send(packet);
    return this.drain();
  }

  /** Everything that waits to be sent. */
  drain(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let length; (length = this.stack.pollPacket(this.#frame, this.now)) > 0;) {
      packets.push(this.#frame.slice(10, length));
    }
    return packets;
  }

  /** Moves the clock, through every deadline. */
  until(time: number): this {
    for (let due; (due = this.stack.nextTimeout()) <= time;) {
      this.now = Math.max(due, this.now);
      this.stack.handleTimeout(this.now);
    }
    this.now = time;
    return this;
  }

  /** The only drops since the start must be these. */
  drops(counts: Record<string, number> = {}): this {
    assertEquals(Object.fromEntries(this.stack.drops), counts);
    return this;
  }
}

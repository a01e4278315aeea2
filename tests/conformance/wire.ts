/**
 * A stack without a script around it, for tests that look at whole frames.
 *
 * @module
 */

import { Stack, type StackOptions } from "../../src/stack/stack.ts";
import { parseIp } from "../../src/wire/address.ts";
import { MAX_FRAME_LENGTH } from "../../src/wire/virtio.ts";
import { decode, encode, type NaiveSegment } from "../support/naive_packet.ts";

/** A stack and the segments that it sends, decoded. */
export class Wire {
  readonly stack: Stack;
  now = 0;
  readonly #frame = new Uint8Array(MAX_FRAME_LENGTH);

  constructor(options: Partial<StackOptions> = {}) {
    this.stack = new Stack({ mtu: 1500, offload: false, secret: new Uint8Array(16), ...options });
  }

  /** The program sends a segment: a SYN, unless told otherwise. */
  send(segment: Partial<NaiveSegment>): this {
    const frame = encode({ ...FROM_PROGRAM[4], ...BLANK, ...segment });
    this.stack.handlePacket(frame, frame.length, this.now);
    return this;
  }

  /** Everything that waits to be sent. */
  frames(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let length; (length = this.stack.pollPacket(this.#frame, this.now)) > 0;) {
      frames.push(this.#frame.slice(0, length));
    }
    return frames;
  }

  /** Opens a flow for the SYN that was sent; gives its id and the stack's initial number. */
  accept(): [id: number, iss: number] {
    const event = this.stack.pollEvent();
    if (event?.type !== "request") throw new Error("There is no request to accept");
    this.stack.accept(event.id);
    return [event.id, decode(this.frames()[0]).seq];
  }
}

const PORTS = { sourcePort: 40_000, destinationPort: 443 };
/** The addresses and ports of the program's segments. */
export const FROM_PROGRAM = {
  4: { source: parseIp("198.18.0.1")!, destination: parseIp("203.0.113.5")!, ...PORTS },
  6: { source: parseIp("fd00::1")!, destination: parseIp("2001:db8::5")!, ...PORTS },
} as const;
/** A SYN without options. */
export const BLANK = { seq: 0, ack: 0, flags: "S", window: 65_535, payload: new Uint8Array(0) };

/**
 * Watches what both hosts put on the link: every packet is whole and within the MTU, and nobody sends beyond the window
 * that has reached it, but for the one byte of a probe.
 *
 * @module
 */

import { decode, type NaiveSegment } from "../support/naive_packet.ts";
import type { Observer } from "./world.ts";

interface Side {
  /** The initial sequence number of this side. */
  iss: number | undefined;
  scale: number | undefined;
  /** The end of the window that the other side has offered, as an offset from `iss`. */
  edge: number;
}

/** The checks on the packets of one connection. */
export class Watch implements Observer {
  readonly #mtu: number;
  readonly #sides: [Side, Side] = [newSide(), newSide()];

  constructor(mtu: number) {
    this.#mtu = mtu;
  }

  onSent(host: number, frame: Uint8Array): void {
    // A link that turns a bit of the next header over makes another protocol of TCP, which IPv6 answers by ICMP.
    if (frame[frame[10] >>> 4 === 4 ? 19 : 16] !== 6) return;
    const segment = decode(frame);
    const { payload, flags, gsoSize, seq } = segment;
    const length = frame.length - 10 - payload.length + (gsoSize ?? payload.length);
    if (length > this.#mtu) {
      throw new Error(`A packet of ${length} bytes on an MTU of ${this.#mtu}`);
    }
    if (frame.length - 10 > 65_535) throw new Error(`A packet of ${frame.length - 10} bytes`);
    const side = this.#sides[host];
    if (flags.includes("S")) {
      side.iss = seq;
      side.scale = segment.scale;
    }
    if (flags.includes("R") || flags.includes("S") || side.iss === undefined) return;
    const start = (seq - side.iss) >>> 0;
    const end = start + payload.length + (flags.includes("F") ? 1 : 0);
    if (end > side.edge && end > start && end - start > 1) {
      throw new Error(`Host ${host} sends up to ${end}, beyond its window to ${side.edge}`);
    }
  }

  onTaken(host: number, frame: Uint8Array): void {
    let segment: NaiveSegment;
    try {
      segment = decode(frame);
    } catch {
      return; // corrupted on the way
    }
    const side = this.#sides[host];
    const other = this.#sides[1 - host];
    if (segment.flags === "S") side.edge = Math.max(side.edge, 1 + segment.window);
    if (side.iss === undefined || !segment.flags.includes("A")) return;
    const isScaled = !segment.flags.includes("S") && side.scale !== undefined &&
      other.scale !== undefined;
    const window = segment.window * 2 ** (isScaled ? other.scale! : 0);
    side.edge = Math.max(side.edge, ((segment.ack - side.iss) >>> 0) + window);
  }
}

function newSide(): Side {
  return { iss: undefined, scale: undefined, edge: 0 };
}

/**
 * A link in one direction: a list of nodes, each of which lets a frame through, once or twice, later, or never.
 *
 * A link that is all of them at once reads `[rate(10e6, 30_000), delay(20), reorder(0.02, 5), duplicate(0.01), loss(0.05)]`.
 *
 * @module
 */

import { frameOf, icmpPacket } from "../support/naive_ip.ts";
import { decode, encode, FRAME_HEADER } from "../support/naive_packet.ts";

/** Numbers in [0, 1). */
export type Random = () => number;

/** One frame and when it passes. Times are virtual milliseconds. */
export interface Passing {
  readonly frame: Uint8Array;
  readonly at: number;
  /** It returns to the host that sent the frame it is about. */
  readonly goesBack?: boolean;
}

/** What becomes of a frame that comes at its time. */
export type Node = (passing: Passing, random: Random) => readonly Passing[];

/** Sends a frame through a list of nodes; what comes out at the end is in no order. */
export function transmit(nodes: readonly Node[], first: Passing, random: Random): Passing[] {
  let passing: Passing[] = [first];
  for (const node of nodes) {
    passing = passing.flatMap((each) => each.goesBack ? [each] : node(each, random));
  }
  return passing;
}

/** What a device does with a frame that left checksum and segmentation to it. Put it before everything else. */
export function cut(): Node {
  return ({ frame, at }) => {
    if (frame[0] === 0) return [{ frame, at }];
    const segment = decode(frame);
    const { payload, flags, seq } = segment;
    const size = segment.gsoSize ?? Math.max(payload.length, 1);
    const pieces: Passing[] = [];
    for (let start = 0; start === 0 || start < payload.length; start += size) {
      const isLast = start + size >= payload.length;
      const piece = encode({
        ...segment,
        seq: (seq + start) >>> 0,
        flags: isLast ? flags : flags.replace(/[FP]/g, ""),
        payload: payload.subarray(start, start + size),
      });
      pieces.push({ frame: piece, at });
    }
    return pieces;
  };
}

/** Everything takes `ms`. */
export function delay(ms: number): Node {
  return ({ frame, at }) => [{ frame, at: at + ms }];
}

/** Each frame is lost with a probability. */
export function loss(probability: number): Node {
  return (passing, random) => random() < probability ? [] : [passing];
}

/** Losses that come in bursts (Gilbert and Elliott): within a burst half of the frames are lost. */
export function burstLoss(begin: number, end: number): Node {
  let isBurst = false;
  return (passing, random) => {
    isBurst = random() < (isBurst ? 1 - end : begin);
    return isBurst && random() < 0.5 ? [] : [passing];
  };
}

/** Some frames take up to `ms` longer, so that later ones overtake them. */
export function reorder(probability: number, ms: number): Node {
  return ({ frame, at }, random) => [{
    frame,
    at: random() < probability ? at + random() * ms : at,
  }];
}

/** Some frames come twice, the second time up to 10 ms later. */
export function duplicate(probability: number): Node {
  return (passing, random) =>
    random() < probability ? [passing, { ...passing, at: passing.at + random() * 10 }] : [passing];
}

/** In some frames one bit of the packet is turned over. */
export function corrupt(probability: number): Node {
  return (passing, random) => {
    if (random() >= probability) return [passing];
    const frame = passing.frame.slice();
    const at = 10 + Math.floor(random() * (frame.length - 10));
    frame[at] ^= 1 << Math.floor(random() * 8);
    return [{ ...passing, frame }];
  };
}

/** Longer packets do not pass. The sender is told (RFC 1191, RFC 8201), or not: a black hole. Put it before what corrupts. */
export function mtu(bytes: number, isSilent = false): Node {
  return (passing) => {
    const packet = passing.frame.subarray(FRAME_HEADER);
    if (packet.length <= bytes) return [passing];
    if (isSilent) return [];
    const answer = packet[0] >>> 4 === 4
      ? icmpPacket(4, 3, 4, bytes, packet.slice(0, 28))
      : icmpPacket(6, 2, 0, bytes, packet.slice(0, 1232));
    return [{ frame: frameOf(answer), at: passing.at, goesBack: true }];
  };
}

/** So many bits a second, with a queue in front that drops what does not fit. Put it first: it wants its frames in order. */
export function rate(bitsPerSecond: number, queueBytes: number): Node {
  let freeAt = 0;
  return ({ frame, at }) => {
    const waiting = Math.max(freeAt - at, 0) * bitsPerSecond / 8000;
    if (waiting > queueBytes) return [];
    freeAt = Math.max(freeAt, at) + frame.length * 8000 / bitsPerSecond;
    return [{ frame, at: freeAt }];
  };
}

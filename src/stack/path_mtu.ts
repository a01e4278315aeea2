/**
 * What the way to a program's host takes, where that is less than the device: learned from Fragmentation Needed (RFC 1191) and Packet Too
 * Big (RFC 8201), remembered for a while, and handed to the host's flows.
 *
 * @module
 */

import { TCP_HEADER_LENGTH } from "../wire/tcp.ts";
import type { FlowEntry } from "./flow_table.ts";
import { ipHeaderLength } from "./reply_packets.ts";

/** RFC 8200, section 5: every link of IPv6 takes this. */
export const MIN_MTU_V6 = 1280;
/**
 * What every IPv4 host takes (RFC 791, section 3.2). RFC 1191 would follow a path down to 68 bytes, which whoever forges a message would
 * like (RFC 5927, section 7.3); on a path that is narrower still, DF is cleared and routers cut, as Linux does below 552.
 */
export const MIN_MTU_V4 = 576;

/** RFC 791, section 3.2: every link of IPv4 takes this. Who says less wants to see packets cut into nothing. */
const MIN_LINK_MTU = 68;

/** RFC 1191, section 6.3, and RFC 8201, section 4: after ten minutes the path may have changed. */
const LIFETIME_MS = 10 * 60_000;

/** RFC 1191, section 7.1: MTUs that links have, for routers which do not say theirs. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296];

/** The largest usual MTU below a packet's length. */
export function nextPlateau(length: number): number {
  return PLATEAUS.find((plateau) => plateau < length) ?? MIN_LINK_MTU;
}

/** Path MTUs by the address of the program's host. */
export class PathMtus {
  readonly #capacity: number;
  /** The oldest first. */
  readonly #known = new Map<string, { readonly mtu: number; readonly until: number }>();

  /** See `Limits.pathMtus`. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many hosts are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** The MTU of the path to a host; Infinity when nothing narrower than the device is known. */
  get(address: Uint8Array, now: number): number {
    if (this.#known.size === 0) return Infinity;
    const found = this.#known.get(keyOf(address));
    return found === undefined || found.until <= now ? Infinity : found.mtu;
  }

  /** Remembers a narrower path; a wider one than is known is no news (RFC 8201, section 4). */
  lower(address: Uint8Array, told: number, now: number): void {
    const mtu = Math.max(told, MIN_LINK_MTU);
    if (this.#capacity === 0 || mtu >= this.get(address, now)) return;
    const key = keyOf(address);
    this.#known.delete(key);
    if (this.#known.size >= this.#capacity) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest);
    }
    this.#known.set(key, { mtu, until: now + LIFETIME_MS });
  }
}

/** Lets a flow send what the path takes from here on. False when it sent no more before. */
export function fitToPath(entry: FlowEntry, mtu: number): boolean {
  const { version, endpoint } = entry;
  const least = version === 4 ? MIN_MTU_V4 : MIN_MTU_V6;
  const wasWhole = !entry.mayFragment;
  if (version === 4 && mtu < least) entry.mayFragment = true;
  const fits = Math.max(mtu, least) - ipHeaderLength(version) - TCP_HEADER_LENGTH;
  return endpoint.limitMss(fits) || (wasWhole && entry.mayFragment);
}

function keyOf(address: Uint8Array): string {
  return String.fromCharCode(...address);
}

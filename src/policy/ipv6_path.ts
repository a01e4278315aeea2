/**
 * Whether addresses of IPv6 are of use behind the proxy, learned from what becomes of flows to them. PURE: times are
 * milliseconds of one monotonic clock.
 *
 * @module
 */

/** One host without a route is that host's affair; so many in a row are the proxy's. */
const ENOUGH_REFUSALS = 3;
/** After so long it is tried again: networks change. */
const REMEMBER_MS = 10 * 60_000;

/** A path that is believed to have IPv6 until it shows that it has not. */
export class Ipv6Path {
  #refusals = 0;
  #uselessUntil = -Infinity;

  /** Whether a program should be told of addresses of IPv6. */
  isUseful(now: number): boolean {
    return now >= this.#uselessUntil;
  }

  /** A flow to an address of IPv6 got there. */
  noteOpened(): void {
    this.#refusals = 0;
    this.#uselessUntil = -Infinity;
  }

  /** The proxy has no route to an address of IPv6. */
  noteUnroutable(now: number): void {
    if (++this.#refusals >= ENOUGH_REFUSALS) this.#uselessUntil = now + REMEMBER_MS;
  }
}

/**
 * What is taken from a peer that makes work and means nothing by it. Each kind of frame that costs us more than it costs the peer has a budget that
 * fills up with time; a peer that exceeds it is told to calm down, and the connection ends.
 *
 * What else such peers try is bounded elsewhere: header blocks and their fragments in `header_block.ts`, lists of fields in the decoder, streams
 * at once in `inbound.ts`, what waits to be read by the windows.
 *
 * @module
 */

import { ERROR, fault, type H2Fault } from "./codes.ts";

interface Budget {
  /** What may come in one go. */
  readonly burst: number;
  readonly perSecond: number;
  readonly reason: string;
}

/** Far above what a busy peer does, far below what hurts. Each kind by itself. */
const BUDGETS = {
  /** A stream that its opener resets before its answer (CVE-2023-44487). A program that gives up a thousand connections at once is within it. */
  reset: { burst: 1_000, perSecond: 100, reason: "it resets requests faster than they are read" },
  /** Each is answered. A keep-alive is one in seconds, a bandwidth probe ten in one (CVE-2019-9512). */
  ping: { burst: 200, perSecond: 20, reason: "it sends more PING than can be of use" },
  /** Each is answered, and may touch every stream (CVE-2019-9515). */
  settings: { burst: 50, perSecond: 5, reason: "it sends more SETTINGS than can be of use" },
  /** DATA without a byte and without an end (CVE-2019-9518). */
  empty: { burst: 1_000, perSecond: 100, reason: "it sends DATA without data over and over" },
  /** A fault that ends one stream. */
  fault: { burst: 100, perSecond: 10, reason: "it spoils one stream after the other" },
} as const satisfies Record<string, Budget>;

/** A kind of cheap frame. */
export type Nuisance = keyof typeof BUDGETS;

/** The patience with one peer. */
export class Patience {
  readonly #spent = new Map<Nuisance, { amount: number; at: number }>();

  /** One more of these came at `now`, in milliseconds. */
  spend(kind: Nuisance, now: number): H2Fault | undefined {
    const { burst, perSecond, reason } = BUDGETS[kind];
    const spent = this.#spent.get(kind) ?? { amount: 0, at: now };
    const refilled = ((now - spent.at) / 1000) * perSecond;
    const amount = Math.max(0, spent.amount - refilled) + 1;
    this.#spent.set(kind, { amount, at: now });
    return amount > burst ? fault(ERROR.ENHANCE_YOUR_CALM, reason) : undefined;
  }
}

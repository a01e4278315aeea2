/**
 * What may be chosen of TCP.
 *
 * @module
 */

import type { CongestionControl } from "./congestion.ts";
import { Cubic } from "./cubic.ts";
import { NewReno } from "./new_reno.ts";

/** The name of a congestion control. */
export type CongestionName = "cubic" | "newreno";

/** How a silent peer is asked whether it is still there (RFC 9293, section 3.8.4). */
export interface KeepAlive {
  /** Silence before the first question, in milliseconds. RFC 9293, MUST-28, wants no less than two hours as a default; Linux programs often take a minute. */
  readonly idleMs: number;
  /** Between two questions, in milliseconds: 75 s when left out. */
  readonly intervalMs?: number;
  /** Questions without an answer before the flow is reset: 9 when left out. */
  readonly probes?: number;
}

/** What may be chosen of TCP, for all flows of a stack. */
export interface TcpSettings {
  /** Who decides how much is on its way: CUBIC (RFC 9438) when left out, or NewReno (RFC 6582). */
  readonly congestion?: CongestionName;
  /** How long a program may leave data or a probe without an answer before its flow is reset, in milliseconds: 120 s when left out (RFC 5482). */
  readonly userTimeoutMs?: number;
  /** Asks silent programs whether they are still there; off when left out (RFC 9293, MUST-25). */
  readonly keepAlive?: KeepAlive;
  /** The TTL or hop limit of the segments: 1 to 255, 64 when left out. */
  readonly hopLimit?: number;
  /** Their Differentiated Services code point (RFC 2474): 0 to 63, 0 when left out. */
  readonly diffserv?: number;
}

/** Throws when a setting makes no sense. */
export function checkSettings(settings: TcpSettings): void {
  const { hopLimit = 64, diffserv = 0, congestion = "cubic", keepAlive } = settings;
  if (!(Number.isInteger(hopLimit) && hopLimit >= 1 && hopLimit <= 255)) {
    throw new RangeError(`Cannot use a hop limit of "${hopLimit}": it must be 1 to 255`);
  }
  if (!(Number.isInteger(diffserv) && diffserv >= 0 && diffserv <= 63)) {
    throw new RangeError(`Cannot use a code point of "${diffserv}": it must be 0 to 63`);
  }
  if (congestion !== "cubic" && congestion !== "newreno") {
    throw new TypeError(`Cannot use the congestion control "${congestion}": say cubic or newreno`);
  }
  checkPositive("userTimeoutMs", settings.userTimeoutMs);
  checkPositive("keepAlive.idleMs", keepAlive?.idleMs);
  checkPositive("keepAlive.intervalMs", keepAlive?.intervalMs);
  checkPositive("keepAlive.probes", keepAlive?.probes);
}

/** The congestion control of a name. `mss` is what one full segment carries. */
export function newCongestion(name: CongestionName, mss: number): CongestionControl {
  return name === "newreno" ? new NewReno(mss) : new Cubic(mss);
}

function checkPositive(name: string, value: number | undefined): void {
  if (value === undefined || value >= 1) return;
  throw new RangeError(`Cannot use "${value}" as ${name}: it must be at least 1`);
}

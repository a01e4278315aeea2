/**
 * Asks a silent peer whether it is still there, when that was asked for (RFC 9293, section 3.8.4). The timer is not touched by what
 * arrives: it looks how long the silence has been when it expires.
 *
 * @module
 */

import { abort, type Tcb } from "./tcb.ts";

const INTERVAL_MS = 75_000;
const PROBES = 9;

/** Begins to watch, when the settings say so. */
export function startKeepAlive(tcb: Tcb, now: number): void {
  tcb.heardAt = now;
  const { keepAlive } = tcb.config;
  if (keepAlive !== undefined) tcb.timers.set("keepAlive", now + keepAlive.idleMs);
}

/** The timer expired: asks, waits on, or gives up with a RST. */
export function expireKeepAlive(tcb: Tcb, now: number): void {
  const { idleMs, intervalMs = INTERVAL_MS, probes = PROBES } = tcb.config.keepAlive!;
  const isBusy = tcb.sndUna !== tcb.sndNxt || tcb.timers.isSet("persist");
  if (isBusy || now - tcb.heardAt < idleMs) {
    // Data without an answer has a timeout of its own.
    tcb.keepAliveProbes = 0;
    tcb.timers.set("keepAlive", isBusy ? now + idleMs : tcb.heardAt + idleMs);
  } else if (tcb.keepAliveProbes >= probes) {
    abort(tcb, "timeout", true);
  } else {
    tcb.keepAliveProbes++;
    tcb.keepAlivePending = true;
    tcb.timers.set("keepAlive", now + intervalMs);
  }
}

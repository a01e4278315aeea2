/**
 * The life of each flow in words for the operator.
 *
 * @module
 */

import type { Flow, FlowRequest } from "./flow/types.ts";
import type { Log } from "./log.ts";
import type { Outcome, OutcomeKind } from "./outcome.ts";
import type { RelayEnd } from "./relay.ts";
import type { UdpRelayEnd } from "./udp_relay.ts";

interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** The same trouble is told again only after this: a thousand flows fail as one sentence. */
const SOME_TIME_MS = 30_000;

/** Troubles that an operator has to act on, and when each is told again; the others are the far side's, and said with the flows. */
const REPEAT_AFTER_MS: Readonly<Partial<Record<OutcomeKind, number>>> = {
  proxy_authentication_required: SOME_TIME_MS,
  proxy_unreachable: SOME_TIME_MS,
  proxy_internal_error: SOME_TIME_MS,
  proxy_configuration_error: SOME_TIME_MS,
  proxy_loop_detected: SOME_TIME_MS,
  connection_limit_reached: SOME_TIME_MS,
  // A proxy without UDP stays one.
  udp_unsupported: Infinity,
};

/** Says what becomes of flows. */
export class FlowReport {
  readonly #log: Log;
  readonly #toldAt = new Map<OutcomeKind, number>();

  /** Says it to `log`. */
  constructor(log: Log) {
    this.#log = log;
  }

  /** The proxy said yes. */
  opened(flow: Flow, target: Place): void {
    if (!this.#log.enabled("debug")) return;
    const udp = flow.protocol === "udp" ? "UDP " : "";
    this.#log.debug(`flow ${flow.id}: ${udp}${place(flow.source)} -> ${place(target)} is open`);
  }

  /** Both sides are over. */
  ended(flow: Flow, target: Place, { flow: end, tunnel }: RelayEnd): void {
    if (!this.#log.enabled("debug")) return;
    const how = end.reason === "finished" ? "ended" : `was ended by a ${end.reason}`;
    const why = tunnel.detail === "" ? "" : ` (${tunnel.detail})`;
    const bytes = `${size(end.outboundBytes)} out, ${size(end.inboundBytes)} in`;
    this.#log.debug(`flow ${flow.id}: to ${place(target)} ${how}${why}: ${bytes}`);
  }

  /** Both sides of an association are over. */
  endedUdp(flow: Flow, target: Place, { flow: end, tunnel }: UdpRelayEnd): void {
    if (!this.#log.enabled("debug")) return;
    const why = tunnel.detail === "" ? "" : ` (${tunnel.detail})`;
    const bytes = `${size(end.outboundBytes)} out, ${size(end.inboundBytes)} in`;
    const lost = end.dropped === 0 ? "" : `, ${end.dropped} datagrams lost`;
    this.#log.debug(
      `flow ${flow.id}: to ${place(target)} is over, ${end.reason}${why}: ${bytes}${lost}`,
    );
  }

  /** The proxy said no, or nothing. */
  refused(request: FlowRequest, target: Place, outcome: Outcome): void {
    this.#log.debug(
      `flow ${request.id}: to ${place(target)} was refused: ${outcome.detail}`,
    );
    const repeatAfterMs = REPEAT_AFTER_MS[outcome.kind];
    if (repeatAfterMs === undefined) return;
    const now = performance.now();
    if (now - (this.#toldAt.get(outcome.kind) ?? -Infinity) < repeatAfterMs) return;
    this.#toldAt.set(outcome.kind, now);
    this.#log.warn(outcome.detail);
  }

  /** A program's UDP port has one at the proxy. */
  bound(source: Place, addresses: readonly Place[]): void {
    const where = addresses.map(place).join(" and ");
    this.#log.debug(`UDP port ${place(source)} is ${where} at the proxy, for everybody`);
  }

  /** The proxy gives no ports. */
  unbound(why: string): void {
    this.#log.info(`Each destination of a UDP port has a tunnel of its own: ${why}`);
  }

  /** No way leads there. */
  unroutable(request: FlowRequest, why: string): void {
    this.#log.debug(`flow ${request.id}: to ${place(request.destination)} was refused: ${why}`);
  }
}

function place({ hostname, port }: Place): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

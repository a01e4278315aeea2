/**
 * What stands between a request and its origin, the same for every version of HTTP: credentials first, so that a stranger learns nothing
 * else, then the shape of the target, then the limits, then the guard and the dial.
 *
 * @module
 */

import { formatAuthority, parseAuthority } from "../masque/authority.ts";
import { formatIp, IPV6_LENGTH, parseIp, unmapIp } from "../wire/address.ts";
import type { Log } from "../log.ts";
import type { CredentialsCheck } from "./credentials.ts";
import { dial, type Hosts } from "./dial.ts";
import type { Guard } from "./guard.ts";
import type { ProxyLimits } from "./limits.ts";
import { badRequest, INTERNAL_ERROR, type Refusal } from "./refusal.ts";
import { Tally } from "./tally.ts";

/** A request for a tunnel, freed of its HTTP version. */
export interface TunnelRequest {
  /** The target, `host:port`. */
  readonly authority: string;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
  /** The client's address, to count by. */
  readonly client: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** An origin that waits for bytes, or the answer to give. Whoever gets the origin calls `release` once it is done. */
export type Admission =
  | { readonly ok: true; readonly origin: Deno.TcpConn; release(): void }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a gate is made of. */
export interface GateOptions {
  readonly check: CredentialsCheck;
  readonly guard: Guard;
  /** Targets that lead elsewhere. */
  readonly hosts: Hosts;
  readonly limits: ProxyLimits;
  readonly log: Log;
}

const TOO_MANY: Refusal = {
  status: 503,
  error: "connection_limit_reached",
  detail: "The proxy carries as many flows as it may: try again later",
};

/** Admits requests to their origins. */
export class Gate {
  readonly #options: GateOptions;
  readonly #flows: Tally;

  /** The gate counts the flows that it admits; one gate for one proxy. */
  constructor(options: GateOptions) {
    this.#options = options;
    const { flows, flowsPerClient } = options.limits;
    this.#flows = new Tally(flows, flowsPerClient);
  }

  /** Flows admitted and not released yet, dials included. */
  get flows(): number {
    return this.#flows.total;
  }

  /** Checks a request and dials its origin. Never rejects. */
  async admit(request: TunnelRequest): Promise<Admission> {
    const { log } = this.#options;
    const admission = await this.#admit(request);
    if (log.enabled("debug")) {
      const target = parseAuthority(request.authority);
      const where = target ? formatAuthority(target.hostname, target.port) : "a malformed target";
      const answer = admission.ok
        ? "open"
        : `${admission.refusal.status} ${admission.refusal.error}`;
      log.debug(`proxy: ${request.client} asks for ${where}: ${answer}`);
    }
    return admission;
  }

  async #admit(request: TunnelRequest): Promise<Admission> {
    const { check, guard, hosts, limits, log } = this.#options;
    const denied = check(request.authorization);
    if (denied !== undefined) return { ok: false, refusal: denied };
    const target = parseAuthority(request.authority);
    if (target === undefined) {
      return {
        ok: false,
        refusal: badRequest("The target is not a host and a port, such as example.com:443"),
      };
    }
    const release = this.#flows.take(request.client);
    if (release === undefined) return { ok: false, refusal: TOO_MANY };
    try {
      const dialled = await dial(target, { guard, hosts, limits, signal: request.signal });
      if (dialled.ok) return { ...dialled, release };
      release();
      return dialled;
    } catch (error) {
      release();
      log.error(`proxy: dialling failed in an unforeseen way: ${error}`);
      return { ok: false, refusal: INTERNAL_ERROR };
    }
  }
}

/** What a client is counted by: its IPv4 address, or the /64 of its IPv6 address, because one host owns all of that. */
export function clientKey(hostname: string): string {
  const address = parseIp(hostname);
  if (address === undefined) return hostname;
  const plain = unmapIp(address);
  if (plain.length !== IPV6_LENGTH) return formatIp(plain);
  return `${formatIp(plain.fill(0, IPV6_LENGTH / 2))}/64`;
}

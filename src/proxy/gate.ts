/**
 * What stands between a request and its origin, the same for every version of HTTP: credentials first, so that a stranger learns nothing
 * else, then the shape of the target, then the limits, then the guard and the dial.
 *
 * @module
 */

import { type Authority, formatAuthority, parseAuthority } from "../masque/authority.ts";
import { formatIp, IPV6_LENGTH, parseIp, unmapIp } from "../wire/address.ts";
import type { Log } from "../log.ts";
import type { CredentialsCheck } from "./credentials.ts";
import type { UdpSocketEvents } from "../sockets/udp_socket.ts";
import { dial, type Dialled, type Hosts } from "./dial.ts";
import { bindUdp, type BoundUdp } from "./bind_udp.ts";
import { type DialledUdp, dialUdp } from "./dial_udp.ts";
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

/** What was opened for a request, or the answer to give. Whoever gets it calls `release` once it is done. */
export type Admitted<D extends { readonly ok: boolean }> =
  | Extract<D, { readonly ok: true }> & { release(): void }
  | { readonly ok: false; readonly refusal: Refusal };

/** An origin that waits for bytes. */
export type Admission = Admitted<Dialled>;

/** A socket to the target of datagrams. */
export type UdpAdmission = Admitted<DialledUdp>;

/** Ports of this machine, open to all whom the guard admits. */
export type BindAdmission = Admitted<BoundUdp>;

/** What a gate is made of. */
export interface GateOptions {
  readonly check: CredentialsCheck;
  readonly guard: Guard;
  /** Targets that lead elsewhere. */
  readonly hosts: Hosts;
  /** Addresses for ports that clients ask for; where the client reached us unless given. */
  readonly bind?: readonly string[];
  /** Another way to open connections than sockets; `guard` and `hosts` are then its own business. */
  readonly dial?: typeof dial;
  /** The same for datagrams. */
  readonly dialUdp?: typeof dialUdp;
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

  /** Whether the proxy may go to an address, and take from it. */
  get guard(): Guard {
    return this.#options.guard;
  }

  /** Checks a request and dials its origin. Never rejects. */
  admit(request: TunnelRequest): Promise<Admission> {
    const { guard, hosts, limits } = this.#options;
    const options = { guard, hosts, limits, signal: request.signal };
    const open = this.#options.dial ?? dial;
    return this.#admitTo("", request, (target) => open(target, options));
  }

  /** Checks a request for UDP and opens a socket to its target, which tells `events`. Never rejects. */
  admitUdp(request: TunnelRequest, events: UdpSocketEvents): Promise<UdpAdmission> {
    const open = this.#options.dialUdp ?? dialUdp;
    return this.#admitTo("udp ", request, (target) => open(target, this.#options, events));
  }

  /** Checks a request for a UDP port and opens it on the addresses to bind, or on `local`, where the client reached us. Never rejects. */
  async admitBind(
    request: Omit<TunnelRequest, "authority">,
    local: string,
    events: UdpSocketEvents,
  ): Promise<BindAdmission> {
    const { bind } = this.#options;
    const admission = await this.#admit(request, () => bindUdp(bind, local, events));
    this.#report(request.client, "a UDP port", admission);
    return admission;
  }

  async #admitTo<D extends { readonly ok: boolean }>(
    kind: string,
    request: TunnelRequest,
    open: (target: Authority) => Promise<D>,
  ): Promise<Admitted<D>> {
    const target = parseAuthority(request.authority);
    const where = target ? formatAuthority(target.hostname, target.port) : "a malformed target";
    const admission = await this.#admit(request, target && (() => open(target)));
    this.#report(request.client, kind + where, admission);
    return admission;
  }

  #report(client: string, what: string, admission: object): void {
    const { log } = this.#options;
    if (!log.enabled("debug")) return;
    const { refusal } = admission as { readonly refusal?: Refusal };
    const answer = refusal === undefined ? "open" : `${refusal.status} ${refusal.error}`;
    log.debug(`proxy: ${client} asks for ${what}: ${answer}`);
  }

  async #admit<D extends { readonly ok: boolean }>(
    request: Omit<TunnelRequest, "authority">,
    open: (() => Promise<D>) | undefined,
  ): Promise<Admitted<D>> {
    const { check, log } = this.#options;
    const denied = await check(request.authorization);
    if (denied !== undefined) return { ok: false, refusal: denied };
    if (open === undefined) {
      return {
        ok: false,
        refusal: badRequest("The target is not a host and a port, such as example.com:443"),
      };
    }
    const release = this.#flows.take(request.client);
    if (release === undefined) return { ok: false, refusal: TOO_MANY };
    try {
      const opened = await open();
      if (opened.ok) return { ...opened, release } as unknown as Admitted<D>;
      release();
      return opened as unknown as Admitted<D>;
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

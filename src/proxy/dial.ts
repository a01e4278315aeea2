/**
 * From an authority to a connection, or to the reason why there is none.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import type { Authority } from "../masque/authority.ts";
import { formatIp, parseIp } from "../wire/address.ts";
import type { Guard } from "./guard.ts";
import type { ProxyLimits } from "./limits.ts";
import type { Origin } from "./relay/pump.ts";
import { INTERNAL_ERROR, type Refusal } from "./refusal.ts";

/** Names and addresses in text, and the address that each leads to: a hosts file of the proxy's own. */
export type Hosts = ReadonlyMap<string, Uint8Array>;

/**
 * Reads hosts given as text.
 *
 * @throws {TypeError} If one leads to what is no address
 */
export function parseHosts(hosts: Readonly<Record<string, string>>): Hosts {
  return new Map(
    Object.entries(hosts).map(([name, text]) => {
      const address = parseIp(text);
      if (address === undefined) {
        throw new TypeError(`Cannot lead "${name}" to "${text}": it must be an IP address`);
      }
      return [name.toLowerCase(), address];
    }),
  );
}

/** What a dial needs to know. */
export interface DialOptions {
  readonly guard: Guard;
  readonly hosts: Hosts;
  readonly limits: ProxyLimits;
  /** Gives the dial up: the client has gone. */
  readonly signal: AbortSignal;
}

/** An origin that answered, or why there is none. */
export type Dialled =
  | { readonly ok: true; readonly origin: Origin }
  | { readonly ok: false; readonly refusal: Refusal };

/** Connects to the first address of the target that the guard admits and that answers, in the resolver's order (RFC 6724). */
export async function dial(target: Authority, options: DialOptions): Promise<Dialled> {
  const { limits } = options;
  const admitted = await admittedAddresses(target.hostname, options);
  if (!Array.isArray(admitted)) return { ok: false, refusal: admitted };
  const deadline = performance.now() + limits.dialTimeoutMs;
  let failure: Refusal | undefined;
  for (const address of admitted) {
    const leftMs = Math.min(limits.addressTimeoutMs, deadline - performance.now());
    if (leftMs <= 0 || options.signal.aborted) break;
    const result = await connect(formatIp(address), target.port, leftMs, options.signal);
    if (result.ok) return result;
    failure = moreTelling(failure, result.refusal);
  }
  return { ok: false, refusal: failure ?? TIMEOUT };
}

/** Where a name may lead to, in the resolver's order and never empty; or why nowhere. */
export async function admittedAddresses(
  hostname: string,
  { guard, hosts, limits }: Pick<DialOptions, "guard" | "hosts" | "limits">,
): Promise<Uint8Array[] | Refusal> {
  const known = hosts.get(hostname.toLowerCase());
  const addresses = known ? [known] : await resolve(hostname, limits.resolveTimeoutMs);
  if (!Array.isArray(addresses)) return addresses;
  const admitted = addresses.filter(guard).slice(0, limits.addresses);
  return admitted.length > 0 ? admitted : prohibited(hostname);
}

async function connect(
  hostname: string,
  port: number,
  timeoutMs: number,
  cancelled: AbortSignal,
): Promise<Dialled> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const signal = AbortSignal.any([cancelled, timeout.signal]);
  try {
    const origin = await Deno.connect({ hostname, port, signal });
    origin.setNoDelay(true);
    origin.setKeepAlive(true); // a flow has no idle limit, so a dead origin must be found by the kernel
    return { ok: true, origin };
  } catch (error) {
    return { ok: false, refusal: signal.aborted ? TIMEOUT : connectRefusal(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** All addresses of a name, or of an address itself; a refusal when there are none. */
async function resolve(hostname: string, timeoutMs: number): Promise<Uint8Array[] | Refusal> {
  const literal = parseIp(hostname);
  if (literal !== undefined) return [literal];
  const { promise: late, resolve } = Promise.withResolvers<Refusal>();
  const timer = setTimeout(resolve, timeoutMs, DNS_TIMEOUT);
  try {
    // The system's resolver, so that the operator's hosts file and search order hold.
    const names = lookup(hostname, { all: true }).then((records) => {
      const addresses = records.map(({ address }) => parseIp(address));
      return addresses.filter((address) => address !== undefined);
    });
    names.catch(() => {});
    const result = await Promise.race([names, late]);
    return Array.isArray(result) && result.length === 0 ? DNS_ERROR : result;
  } catch (error) {
    return codeOf(error) === "ETIMEOUT" ? DNS_TIMEOUT : DNS_ERROR;
  } finally {
    clearTimeout(timer);
  }
}

const DNS_ERROR: Refusal = {
  status: 502,
  error: "dns_error",
  detail: "The name does not resolve",
};

const DNS_TIMEOUT: Refusal = {
  status: 504,
  error: "dns_timeout",
  detail: "The name did not resolve in time",
};

const TIMEOUT: Refusal = {
  status: 504,
  error: "connection_timeout",
  detail: "The origin did not answer in time",
};

const REFUSED: Refusal = {
  status: 502,
  error: "connection_refused",
  detail: "The origin refused the connection",
};

const UNROUTABLE: Refusal = {
  status: 502,
  error: "destination_ip_unroutable",
  detail: "The proxy has no route to the origin",
};

const DENIED: Refusal = {
  status: 403,
  error: "destination_ip_prohibited",
  detail: "The proxy's machine does not let it go there",
};

function prohibited(hostname: string): Refusal {
  return {
    status: 403,
    error: "destination_ip_prohibited",
    // The address stays unsaid: what a name resolves to on the inside is nobody's business outside.
    detail: `The proxy does not go to ${hostname}: it leads to an address that is not public`,
  };
}

/** By `code`, because Deno has a class for some of these only, and gives `os error` numbers of the system for all. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: REFUSED,
  ETIMEDOUT: TIMEOUT,
  ENETUNREACH: UNROUTABLE,
  EHOSTUNREACH: UNROUTABLE,
  EADDRNOTAVAIL: UNROUTABLE,
  EAFNOSUPPORT: UNROUTABLE,
  EINVAL: UNROUTABLE, // a link-local address without a zone
  EACCES: DENIED,
  EPERM: DENIED,
};

/** The refusal for an error of `Deno.connect`. */
export function connectRefusal(error: unknown): Refusal {
  if (error instanceof Deno.errors.NotCapable) return DENIED;
  return REFUSALS[codeOf(error) ?? ""] ?? INTERNAL_ERROR;
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Of several addresses the one that lives tells most: refused before silent, silent before unreachable. */
const TELLING = [REFUSED, TIMEOUT, DENIED, UNROUTABLE];

function moreTelling(a: Refusal | undefined, b: Refusal): Refusal {
  if (a === undefined || !TELLING.includes(a)) return b;
  return TELLING.includes(b) && TELLING.indexOf(b) < TELLING.indexOf(a) ? b : a;
}

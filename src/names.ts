/**
 * Who answers the program's questions for names: the modes of DNS, each behind one face.
 *
 * @module
 */

import { FAKE_IPV4, FAKE_IPV6, FakeAddresses } from "./dns/fake_addresses.ts";
import {
  type DnsServer,
  Forwarder,
  type ForwarderOptions,
  type OpenChannel,
} from "./dns/forwarder.ts";
import { Hosts } from "./dns/hosts.ts";
import type { DnsTransport } from "./dns/query.ts";
import { DohResolver } from "./dns/resolver.ts";
import { Responder } from "./dns/responder.ts";
import { ProxyError } from "./errors.ts";
import type { Log } from "./log.ts";
import { Ipv6Path } from "./policy/ipv6_path.ts";
import { fetchThrough } from "./tunnel/origin/fetch_through.ts";
import type { ProxyClient } from "./tunnel/tunnel.ts";
import { cidrContains } from "./wire/address.ts";

/**
 * - `fake`: every name gets a made-up address, and the proxy is asked for the name.
 * - `doh`: names are resolved by HTTPS servers, asked through the tunnel (RFC 8484).
 * - `tunnel`: a question goes through the tunnel to the server that the program named.
 * - `off`: DNS gets no special treatment.
 */
export type DnsMode = "fake" | "doh" | "tunnel" | "off";

/** What a mode may be told. */
export interface NameOptions {
  /** By default `fake`. */
  readonly dns?: DnsMode;
  /** For `doh`: URLs of the servers, the preferred one first; by default Cloudflare's and Google's. */
  readonly doh?: readonly (string | URL)[];
  /** The text of a file as hosts(5) describes it, answered from in every mode but `off`. */
  readonly hosts?: string;
  /** False: every AAAA question is "no such data". */
  readonly ipv6?: boolean;
}

/** The name behind a fake address, which it keeps until the disposal. */
export interface HeldName extends Disposable {
  /** Undefined when the address has none, or is no fake one. */
  readonly name: string | undefined;
}

/** A mode at work. */
export interface NameService extends AsyncDisposable {
  /** Whether questions are answered here, whichever resolver the program believes in. */
  readonly isResolver: boolean;
  /** Whether datagrams to port 53 come to `answer`. */
  readonly takesDatagrams: boolean;
  /** The answer to a query that the program sent to `server`; undefined for what must stay unanswered. Never rejects. */
  answer(
    query: Uint8Array,
    server: DnsServer,
    transport: DnsTransport,
  ): Promise<Uint8Array | undefined>;
  /** Whether an address was made up here. */
  isFake(address: Uint8Array): boolean;
  /** Finds the name behind a fake address, and keeps it for as long as a flow needs it. */
  hold(address: Uint8Array): HeldName | Promise<HeldName>;
  /** Hears that a flow got to an address of IPv6, or that the proxy has no route to it. */
  noteIpv6(isRoutable: boolean): void;
}

/** What opens them. */
export interface NameServiceOptions extends NameOptions {
  /** The device's addresses: a program whose device speaks one family has no use for the other. */
  readonly addresses?: readonly string[];
}

/** The same trouble is told again only after this. */
const REPEAT_AFTER_MS = 30_000;

/** Begins to answer, with questions carried through `proxy`. Throws a `TypeError` on a bad URL of a server. */
export function openNames(
  proxy: ProxyClient,
  options: NameServiceOptions,
  log: Log,
): NameService {
  const { dns = "fake", doh, hosts, addresses } = options;
  const ipv6 = options.ipv6 ?? addresses?.some((address) => address.includes(":")) ?? true;
  const path = new Ipv6Path();
  const hasIpv6 = () => ipv6 && path.isUseful(performance.now());
  const { badLines } = new Hosts(hosts);
  if (badLines.length > 0) {
    log.warn(`The file of hosts has lines that say nothing: ${badLines.slice(0, 10).join(", ")}`);
  }
  let toldAt = -Infinity;
  const onFailure = (why: Error) => {
    if (performance.now() - toldAt < REPEAT_AFTER_MS) return;
    toldAt = performance.now();
    log.warn(`Names cannot be resolved: ${why.message}`);
  };
  switch (dns) {
    case "fake":
      return fakeNames(new Hosts(hosts), ipv6);
    case "doh":
      return dohNames(proxy, path, { servers: doh, hosts, hasIpv6, onFailure });
    case "tunnel":
      return forwardedNames(proxy, path, hosts, { hasIpv6, onFailure });
    case "off":
      return { ...realAddresses, isResolver: false, takesDatagrams: false };
    default:
      throw new TypeError(`Cannot answer names by "${dns}": give "fake", "doh", "tunnel" or "off"`);
  }
}

/** Whether an address lies where `fake` makes them up. */
export function isFakeAddress(address: Uint8Array): boolean {
  return cidrContains(FAKE_IPV4, address) || cidrContains(FAKE_IPV6, address);
}

/** What an address without a name holds. */
export const NO_NAME: HeldName = { name: undefined, [Symbol.dispose]() {} };

/** What the modes without a table of their own share: every address is what it is. */
const realAddresses = {
  isFake: () => false,
  answer: () => Promise.resolve(undefined),
  hold: () => NO_NAME,
  noteIpv6: () => {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function fakeNames(hosts: Hosts, hasIpv6: boolean): NameService {
  const table = new FakeAddresses();
  const responder = new Responder(table, hosts, hasIpv6);
  const now = () => performance.now();
  return {
    ...realAddresses,
    isResolver: true,
    takesDatagrams: true,
    isFake: isFakeAddress,
    answer: (query, _server, transport) =>
      Promise.resolve(responder.answer(query, now(), transport)),
    hold(address) {
      const name = table.nameOf(address, now());
      if (!table.retain(address)) return NO_NAME;
      return { name, [Symbol.dispose]: () => table.release(address, now()) };
    },
  };
}

/** Lets flows tell `path` what becomes of them. */
function noting(path: Ipv6Path): Pick<NameService, "noteIpv6"> {
  return {
    noteIpv6(isRoutable) {
      if (isRoutable) path.noteOpened();
      else path.noteUnroutable(performance.now());
    },
  };
}

function dohNames(
  proxy: ProxyClient,
  path: Ipv6Path,
  options: Omit<ConstructorParameters<typeof DohResolver>[0], "fetch">,
): NameService {
  const fetch = fetchThrough(proxy);
  const resolver = new DohResolver({ fetch, ...options });
  return {
    ...realAddresses,
    ...noting(path),
    isResolver: true,
    takesDatagrams: true,
    answer: (query, _server, transport) => resolver.answer(query, transport),
    async [Symbol.asyncDispose]() {
      await resolver.close();
      await fetch.close();
    },
  };
}

function forwardedNames(
  proxy: ProxyClient,
  path: Ipv6Path,
  hosts: string | undefined,
  options: ForwarderOptions,
): NameService {
  const forwarder = new Forwarder(channelThrough(proxy), { ...options, hosts: new Hosts(hosts) });
  return {
    ...realAddresses,
    ...noting(path),
    // With nothing to add, a stream goes to its server as it is: so transfers of zones pass, too.
    isResolver: hosts !== undefined,
    takesDatagrams: true,
    answer: (query, server, transport) => forwarder.answer(query, server, transport),
    [Symbol.asyncDispose]: () => forwarder.close(),
  };
}

function channelThrough(proxy: ProxyClient): OpenChannel {
  return async (kind, { hostname, port }, signal) => {
    const tunnel =
      await (kind === "stream"
        ? proxy.connect({ hostname, port }, { signal })
        : proxy.connectUdp({ hostname, port }, { signal }));
    if (!tunnel.ok) throw new ProxyError(tunnel.outcome);
    return { kind, readable: tunnel.readable, writable: tunnel.writable };
  };
}

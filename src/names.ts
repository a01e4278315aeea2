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
import type { Names } from "./policy/route.ts";
import { fetchThrough } from "./tunnel/fetch_through.ts";
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

/** A mode at work. */
export interface NameService extends Names, AsyncDisposable {
  /** Whether datagrams to port 53 come to `answer`. */
  readonly takesDatagrams: boolean;
  /** The answer to a query that the program sent to `server`; undefined for what must stay unanswered. Never rejects. */
  answer(
    query: Uint8Array,
    server: DnsServer,
    transport: DnsTransport,
  ): Promise<Uint8Array | undefined>;
  /** Keeps the name of a fake address until the disposal; does nothing for any other. */
  hold(address: Uint8Array): Disposable;
}

/** The same trouble is told again only after this. */
const REPEAT_AFTER_MS = 30_000;

/** Begins to answer, with questions carried through `proxy`. Throws a `TypeError` on a bad URL of a server. */
export function openNames(
  proxy: ProxyClient,
  options: NameOptions,
  hasIpv6: () => boolean,
  log: Log,
): NameService {
  const { dns = "fake", doh, hosts } = options;
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
      return fakeNames(new Hosts(hosts), options.ipv6 ?? true);
    case "doh":
      return dohNames(proxy, { servers: doh, hosts, hasIpv6, onFailure });
    case "tunnel":
      return forwardedNames(proxy, hosts, { hasIpv6, onFailure });
    case "off":
      return { ...realAddresses, isResolver: false, takesDatagrams: false };
    default:
      throw new TypeError(`Cannot answer names by "${dns}": give "fake", "doh", "tunnel" or "off"`);
  }
}

/** What the modes without a table of their own share: every address is what it is. */
const realAddresses = {
  isFake: () => false,
  nameOf: () => undefined,
  answer: () => Promise.resolve(undefined),
  hold: () => ({ [Symbol.dispose]() {} }),
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
    isFake: (address) => cidrContains(FAKE_IPV4, address) || cidrContains(FAKE_IPV6, address),
    nameOf: (address) => table.nameOf(address, now()),
    answer: (query, _server, transport) =>
      Promise.resolve(responder.answer(query, now(), transport)),
    hold(address) {
      const isHeld = table.retain(address);
      return {
        [Symbol.dispose]() {
          if (isHeld) table.release(address, now());
        },
      };
    },
  };
}

function dohNames(
  proxy: ProxyClient,
  options: Omit<ConstructorParameters<typeof DohResolver>[0], "fetch">,
): NameService {
  const fetch = fetchThrough(proxy);
  const resolver = new DohResolver({ fetch, ...options });
  return {
    ...realAddresses,
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
  hosts: string | undefined,
  options: ForwarderOptions,
): NameService {
  const forwarder = new Forwarder(channelThrough(proxy), { ...options, hosts: new Hosts(hosts) });
  return {
    ...realAddresses,
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

/**
 * The resolver that a program meets by default: it resolves nothing. Every name that could be a host gets a fake address, and
 * the proxy does the resolving once a flow is asked for.
 *
 * So a name that does not exist gets an address too, and its flow is refused with the proxy's `dns_error`. Both families get
 * one, whatever the name has: what travels is the name, and the proxy takes the family that works. All types but A and AAAA
 * are answered "no such data": HTTPS and SVCB records in particular would carry addresses and keys around the table.
 *
 * @module
 */

import type { FakeAddresses } from "./fake_addresses.ts";
import { Hosts } from "./hosts.ts";
import { RCODE } from "./message.ts";
import { addressOfReverseName, isHostName } from "./name.ts";
import { addressVerdict, isBelow, nameVerdict, ownVerdict } from "./own_names.ts";
import type { DnsTransport, Query } from "./query.ts";
import { readQuery } from "./read_query.ts";
import { CLASS_IN, TYPE } from "./records.ts";
import { FAILED, NO_DATA, NO_NAME, reply, type Verdict } from "./reply.ts";

/** Answers queries out of a table of fake addresses. */
export class Responder {
  readonly #addresses: FakeAddresses;
  readonly #hosts: Hosts;
  readonly #hasIpv6: boolean;

  /** The table is shared with whoever asks for the name behind a flow's destination. Without IPv6 every AAAA is "no such data". */
  constructor(addresses: FakeAddresses, hosts = new Hosts(), hasIpv6 = true) {
    this.#addresses = addresses;
    this.#hosts = hosts;
    this.#hasIpv6 = hasIpv6;
  }

  /** The answer to a query, with `now` in milliseconds; undefined for what must stay unanswered. */
  answer(
    bytes: Uint8Array,
    now: number,
    transport: DnsTransport = "tcp",
  ): Uint8Array<ArrayBuffer> | undefined {
    const query = readQuery(bytes);
    if (query === undefined || query instanceof Uint8Array) return query;
    const verdict = ownVerdict(query, this.#hosts) ?? this.#decide(query, now);
    return reply(query, verdict, transport);
  }

  #decide(query: Query, now: number): Verdict {
    const { question, name } = query;
    if (question.class !== CLASS_IN) return { code: RCODE.REFUSED };
    if (name === "") return NO_DATA;
    if (isBelow(name, "in-addr.arpa") || isBelow(name, "ip6.arpa")) {
      const address = addressOfReverseName(name);
      const found = address && this.#addresses.nameOf(address, now);
      return found === undefined ? NO_NAME : nameVerdict(query, found, this.#addresses.ttlSeconds);
    }
    if (!isHostName(name)) return NO_NAME;
    if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return NO_DATA;
    if (question.type === TYPE.AAAA && !this.#hasIpv6) return NO_DATA;
    const pair = this.#addresses.lookup(name, now);
    if (pair === undefined) return FAILED;
    return addressVerdict(query, [pair.ipv4, pair.ipv6], this.#addresses.ttlSeconds);
  }
}

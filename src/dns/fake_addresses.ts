/**
 * The table of fake addresses: each name that a program asks for gets an address that exists nowhere, and a flow to
 * that address is asked of the proxy by the name. So no name is resolved on this side, and none leaks.
 *
 * An entry is one index with one address in each family, `198.18.0.0 + index` and `fd70:3c7b:a352:: + index`.
 * Invariant: an address of a live flow, or one whose TTL still runs in somebody's cache, belongs to its name.
 *
 * @module
 */

import { getU32, setU32 } from "../bytes.ts";
import {
  type Cidr,
  cidrContains,
  formatCidr,
  formatIp,
  IPV4_LENGTH,
  parseCidr,
} from "../wire/address.ts";
import { canonicalName } from "./name.ts";

/** The IPv4 block: meant for benchmarks of network devices (RFC 2544), so no host on the Internet is hidden by it. */
export const FAKE_IPV4: Cidr = parseCidr("198.18.0.0/15")!;

/**
 * The IPv6 block: a unique local prefix whose 40 bits of global ID were drawn at random, as RFC 4193, section 3.2
 * asks, so that it is nobody's network. A constant, for a restarted program should find the addresses it knows.
 */
export const FAKE_IPV6: Cidr = parseCidr("fd70:3c7b:a352::/64")!;

/** Index of the device's own addresses, `198.18.0.1` and `fd70:3c7b:a352::1`. */
export const DEVICE_INDEX = 1;
/** Index of the resolver's addresses, `198.18.0.2` and `fd70:3c7b:a352::2`. */
export const RESOLVER_INDEX = 2;

/** The device's own addresses with the size of their networks, for `openTun`: so that the fake ones lie behind it. */
export const DEVICE_CIDRS: readonly string[] = [
  formatCidr({ address: fakePair(DEVICE_INDEX).ipv4, prefixLength: FAKE_IPV4.prefixLength }),
  formatCidr({ address: fakePair(DEVICE_INDEX).ipv6, prefixLength: FAKE_IPV6.prefixLength }),
];

/** The resolver's address, for a `resolv.conf`. */
export const RESOLVER_ADDRESS: string = formatIp(fakePair(RESOLVER_INDEX).ipv4);

/** The first index for names: 0 is the network. */
const FIRST_INDEX = 3;
/** The last index for names: the one behind it is the broadcast address of the IPv4 block. */
const LAST_INDEX = 2 ** (32 - FAKE_IPV4.prefixLength) - 2;
const USABLE = LAST_INDEX - FIRST_INDEX + 1;

/** The addresses of a name. */
export interface FakePair {
  readonly ipv4: Uint8Array<ArrayBuffer>;
  readonly ipv6: Uint8Array<ArrayBuffer>;
}

/** Bounds of the table. */
export interface FakeAddressLimits {
  /** How many names are known at once. */
  readonly capacity: number;
  /** How long an answer may be remembered by the program; for so long after its last use an address is nobody else's. */
  readonly ttlMs: number;
  /** After so long without use a name is forgotten. */
  readonly idleTimeoutMs: number;
}

/** What we chose. */
export const FAKE_ADDRESS_LIMITS: FakeAddressLimits = {
  // Half of the block, so that a freed address rests before it is dealt again; about 15 MB when full.
  capacity: 65_536,
  // Short enough that a program asks again before it reconnects, long enough that it does not ask all day.
  ttlMs: 60_000,
  // Some programs look a name up once and keep the address: a night of rest must not break them.
  idleTimeoutMs: 24 * 3_600_000,
};

interface Entry {
  readonly index: number;
  readonly name: string;
  /** When the name was last looked up, or its address used. */
  lastUse: number;
  /** How many live flows lead to the address. */
  flows: number;
}

/** The addresses at an index of both blocks. */
export function fakePair(index: number): FakePair {
  const [ipv4, ipv6] = [FAKE_IPV4.address.slice(), FAKE_IPV6.address.slice()];
  setU32(ipv4, 0, getU32(ipv4, 0) + index);
  setU32(ipv6, ipv6.length - 4, index);
  return { ipv4, ipv6 };
}

/** The index of an address (4 or 16 bytes); undefined when it lies in neither block, or too far in it to be dealt. */
export function fakeIndexOf(address: Uint8Array): number | undefined {
  if (address.length === IPV4_LENGTH) {
    const isFake = cidrContains(FAKE_IPV4, address);
    return isFake ? getU32(address, 0) - getU32(FAKE_IPV4.address, 0) : undefined;
  }
  if (!cidrContains(FAKE_IPV6, address) || getU32(address, 8) !== 0) return undefined;
  const index = getU32(address, 12);
  return index <= LAST_INDEX + 1 ? index : undefined;
}

/** A bounded table of names and their fake addresses. Times are milliseconds of one monotonic clock. */
export class FakeAddresses {
  readonly #limits: FakeAddressLimits;
  readonly #byName = new Map<string, Entry>();
  readonly #byIndex = new Map<number, Entry>();
  /** The entries without a live flow, the longest unused first. */
  readonly #idle = new Set<Entry>();
  #nextIndex = FIRST_INDEX;

  /** @throws {RangeError} If the capacity is no integer from 1 to what the block holds, or names are forgotten within the TTL */
  constructor(limits: Partial<FakeAddressLimits> = {}) {
    this.#limits = { ...FAKE_ADDRESS_LIMITS, ...limits };
    const { capacity, ttlMs, idleTimeoutMs } = this.#limits;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > USABLE) {
      throw new RangeError(
        `Cannot make a table of "${capacity}" names: the capacity is 1 to ${USABLE}`,
      );
    }
    if (!(idleTimeoutMs >= ttlMs)) {
      throw new RangeError(
        `Cannot forget names after "${idleTimeoutMs}" ms: an answer may be remembered for ${ttlMs} ms`,
      );
    }
  }

  /** How many names are known. */
  get size(): number {
    return this.#byName.size;
  }

  /** How long an answer may be remembered, in whole seconds. */
  get ttlSeconds(): number {
    return Math.floor(this.#limits.ttlMs / 1000);
  }

  /** The addresses of `name`, dealt if it has none yet; undefined when the table is full of names in use. */
  lookup(name: string, now: number): FakePair | undefined {
    this.#forgetIdle(now);
    const key = canonicalName(name);
    let entry = this.#byName.get(key);
    if (entry === undefined) {
      if (!this.#makeRoom(now)) return undefined;
      entry = { index: this.#freeIndex(), name: key, lastUse: now, flows: 0 };
      this.#byName.set(key, entry);
      this.#byIndex.set(entry.index, entry);
    }
    this.#touch(entry, now);
    return fakePair(entry.index);
  }

  /** The name behind a fake address (4 or 16 bytes), in lower case; undefined when it has none. */
  nameOf(address: Uint8Array, now: number): string | undefined {
    this.#forgetIdle(now);
    const entry = this.#entryOf(address);
    if (entry !== undefined) this.#touch(entry, now);
    return entry?.name;
  }

  /** Notes a live flow to `address`: it keeps its name until as many `release` calls. False when it has no name. */
  retain(address: Uint8Array): boolean {
    const entry = this.#entryOf(address);
    if (entry === undefined) return false;
    entry.flows++;
    this.#idle.delete(entry);
    return true;
  }

  /** Notes that a flow that was retained has ended. An address without one is left alone. */
  release(address: Uint8Array, now: number): void {
    const entry = this.#entryOf(address);
    if (entry === undefined || entry.flows === 0) return;
    entry.flows--;
    this.#touch(entry, now);
  }

  #entryOf(address: Uint8Array): Entry | undefined {
    const index = fakeIndexOf(address);
    return index === undefined ? undefined : this.#byIndex.get(index);
  }

  #touch(entry: Entry, now: number): void {
    entry.lastUse = now;
    this.#idle.delete(entry);
    if (entry.flows === 0) this.#idle.add(entry);
  }

  #forgetIdle(now: number): void {
    for (const entry of this.#idle) {
      if (now - entry.lastUse < this.#limits.idleTimeoutMs) return;
      this.#forget(entry);
    }
  }

  /** Room for one more name: the longest unused one goes, unless its answer may still be remembered. */
  #makeRoom(now: number): boolean {
    if (this.#byName.size < this.#limits.capacity) return true;
    const [oldest] = this.#idle;
    if (oldest === undefined || now - oldest.lastUse < this.#limits.ttlMs) return false;
    this.#forget(oldest);
    return true;
  }

  #forget(entry: Entry): void {
    this.#idle.delete(entry);
    this.#byName.delete(entry.name);
    this.#byIndex.delete(entry.index);
  }

  /** Round and round, so that an address rests as long as possible. There is one: the capacity is below the block's. */
  #freeIndex(): number {
    while (this.#byIndex.has(this.#nextIndex)) this.#advance();
    const index = this.#nextIndex;
    this.#advance();
    return index;
  }

  #advance(): void {
    this.#nextIndex = this.#nextIndex === LAST_INDEX ? FIRST_INDEX : this.#nextIndex + 1;
  }
}

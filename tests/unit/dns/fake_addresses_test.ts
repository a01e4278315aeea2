import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DEVICE_CIDRS,
  FakeAddresses,
  fakeIndexOf,
  fakePair,
  RESOLVER_ADDRESS,
} from "../../../src/dns/fake_addresses.ts";
import { formatIp, parseIp } from "../../../src/wire/address.ts";
import { seededDice } from "../random.ts";

const SMALL = { capacity: 3, ttlMs: 1_000, idleTimeoutMs: 10_000 };

Deno.test("a name gets the same index in both families, and both lead back to it", () => {
  const table = new FakeAddresses();
  const pair = table.lookup("www.Example.com", 0)!;
  assertEquals(formatIp(pair.ipv4), "198.18.0.3");
  assertEquals(formatIp(pair.ipv6), "fd70:3c7b:a352::3");
  assertEquals(table.nameOf(pair.ipv4, 0), "www.example.com");
  assertEquals(table.nameOf(pair.ipv6, 0), "www.example.com");
});

Deno.test("the device and the resolver stand at the start of both blocks", () => {
  assertEquals(DEVICE_CIDRS, ["198.18.0.1/15", "fd70:3c7b:a352::1/64"]);
  assertEquals(RESOLVER_ADDRESS, "198.18.0.2");
});

Deno.test("all spellings of a name share one address, and names do not", () => {
  const table = new FakeAddresses();
  const address = table.lookup("example.com", 0)!.ipv4;
  assertEquals(table.lookup("EXAMPLE.com", 5)!.ipv4, address);
  assertEquals(formatIp(table.lookup("example.org", 5)!.ipv4), "198.18.0.4");
  assertEquals(table.size, 2);
});

Deno.test("addresses that were not dealt have no name", () => {
  const table = new FakeAddresses();
  table.lookup("example.com", 0);
  for (
    const text of [
      "198.18.0.0",
      "198.18.0.1",
      "198.18.0.2",
      "198.18.0.4",
      "198.19.255.255",
      "198.20.0.3",
      "1.2.3.4",
      "fd70:3c7b:a352::1",
      "fd70:3c7b:a352:0:1::3",
      "fd70:3c7b:a352::1:0:3",
      "fd70:3c7b:a353::3",
      "fd70:3c7b:a352::f:ffff",
      "::ffff:198.18.0.3",
    ]
  ) {
    assertEquals(table.nameOf(parseIp(text)!, 0), undefined, text);
    assertEquals(table.retain(parseIp(text)!), false, text);
  }
});

Deno.test("an address and its index turn into each other over the whole block", () => {
  for (const index of [0, 1, 2, 3, 255, 256, 65_536, 131_070, 131_071]) {
    assertEquals(fakeIndexOf(fakePair(index).ipv4), index);
    assertEquals(fakeIndexOf(fakePair(index).ipv6), index);
  }
  assertEquals(formatIp(fakePair(131_071).ipv4), "198.19.255.255");
});

Deno.test("the whole block can be dealt, its reserved addresses excepted, and then no more", () => {
  const capacity = 2 ** 17 - 4;
  const table = new FakeAddresses({ capacity });
  for (let i = 0; i < capacity; i++) table.lookup(`host${i}`, 0);
  assertEquals(table.size, capacity);
  assertEquals(table.nameOf(parseIp("198.19.255.254")!, 0), `host${capacity - 1}`);
  assertEquals(table.nameOf(parseIp("198.19.255.255")!, 0), undefined);
  assertEquals(table.lookup("one.more", 0), undefined);
  assertEquals(formatIp(table.lookup("one.more", 60_000)!.ipv4), "198.18.0.3");
});

Deno.test("a full table gives the place of the longest unused name away, after its TTL", () => {
  const table = new FakeAddresses(SMALL);
  table.lookup("a", 0);
  table.lookup("b", 1);
  const c = table.lookup("c", 2)!.ipv4;
  table.lookup("a", 500);
  assertEquals(table.lookup("d", 1_000), undefined, "b was answered 999 ms ago");
  const d = table.lookup("d", 1_001)!.ipv4;
  assertEquals(table.nameOf(d, 1_001), "d");
  assertEquals(table.nameOf(c, 1_001), "c");
  assertEquals(table.lookup("e", 1_400), undefined, "a is the oldest and its TTL runs until 1500");
});

Deno.test("the address of a live flow keeps its name, however old it is", () => {
  const table = new FakeAddresses(SMALL);
  const a = table.lookup("a", 0)!;
  assertEquals(table.retain(a.ipv4), true);
  assertEquals(table.retain(a.ipv6), true);
  table.lookup("b", 1);
  table.lookup("c", 2);
  assertEquals(table.lookup("d", 2_000) !== undefined, true);
  assertEquals(table.nameOf(a.ipv4, 100_000), "a");
  table.release(a.ipv6, 100_000);
  assertEquals(table.nameOf(a.ipv4, 200_000), "a", "one flow is still there");
  table.release(a.ipv4, 200_000);
  assertEquals(table.nameOf(a.ipv4, 209_999), "a");
  assertEquals(table.nameOf(a.ipv4, 219_999), undefined);
});

Deno.test("a table full of live flows has no address for another name", () => {
  const table = new FakeAddresses(SMALL);
  const pairs = ["a", "b", "c"].map((name) => table.lookup(name, 0)!);
  for (const { ipv4 } of pairs) table.retain(ipv4);
  assertEquals(table.lookup("d", 1e9), undefined);
  assertEquals(table.lookup("b", 1e9)!.ipv4, pairs[1].ipv4);
  table.release(pairs[1].ipv4, 1e9);
  assertEquals(table.lookup("d", 1e9 + 999), undefined, "the program may remember b until then");
  assert(table.lookup("d", 1e9 + 1_000) !== undefined);
});

Deno.test("a name that nobody used for the idle time is forgotten, and a freed address rests", () => {
  const table = new FakeAddresses(SMALL);
  const a = table.lookup("a", 0)!.ipv4;
  assertEquals(table.nameOf(a, 9_999), "a");
  assertEquals(table.nameOf(a, 19_999), undefined);
  assertEquals(table.size, 0);
  assertEquals(formatIp(table.lookup("b", 20_000)!.ipv4), "198.18.0.4");
});

Deno.test("a release without a retain changes nothing", () => {
  const table = new FakeAddresses(SMALL);
  const a = table.lookup("a", 0)!.ipv4;
  table.release(a, 1);
  table.release(parseIp("1.2.3.4")!, 1);
  table.retain(a);
  assertEquals(table.nameOf(a, 1e9), "a");
});

Deno.test("bounds that cannot be kept are refused", () => {
  for (const capacity of [0, -1, 1.5, NaN, 2 ** 17]) {
    assertThrows(() => new FakeAddresses({ capacity }), RangeError, `"${capacity}" names`);
  }
  assertThrows(() => new FakeAddresses({ idleTimeoutMs: 59_999 }), RangeError, '"59999" ms');
});

Deno.test("no address changes hands while it lives or is remembered, through a long random life", () => {
  const dice = seededDice(21);
  const table = new FakeAddresses({ capacity: 40, ttlMs: 1_000, idleTimeoutMs: 5_000 });
  /** The naive twin: who was told what, until when; and the live flows. */
  const told = new Map<string, { name: string; until: number }>();
  const flows: { address: Uint8Array; name: string }[] = [];
  let failures = 0;
  for (let now = 0; now < 200_000; now += dice.int(30)) {
    const name = `n${dice.int(80)}`;
    const pair = table.lookup(name, now);
    if (pair === undefined) failures++;
    else {
      const address = dice.int(2) === 0 ? pair.ipv4 : pair.ipv6;
      const key = String(fakeIndexOf(address));
      const before = told.get(key);
      if (before !== undefined && before.until > now) assertEquals(before.name, name);
      told.set(key, { name, until: now + 1_000 });
      if (dice.int(3) === 0 && table.retain(address)) flows.push({ address, name });
    }
    if (flows.length > 0 && dice.int(3) === 0) {
      const [flow] = flows.splice(dice.int(flows.length), 1);
      assertEquals(table.nameOf(flow.address, now), flow.name);
      table.release(flow.address, now);
    }
    assert(table.size <= 40);
  }
  assert(failures > 0 && failures < 10_000, `${failures} lookups found no room`);
});

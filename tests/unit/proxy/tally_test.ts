import { assertEquals } from "@std/assert";
import { clientKey } from "../../../src/proxy/gate.ts";
import { Tally } from "../../../src/proxy/tally.ts";

Deno.test("a tally keeps the bound for all and the bound for each key", () => {
  const tally = new Tally(3, 2);
  const a1 = tally.take("a");
  const a2 = tally.take("a");
  assertEquals(tally.take("a"), undefined);
  const b = tally.take("b");
  assertEquals(tally.take("c"), undefined);
  assertEquals(tally.total, 3);
  b!();
  assertEquals(tally.take("a"), undefined);
  a1!();
  const again = tally.take("a");
  [a2, again].forEach((release) => release!());
  assertEquals(tally.total, 0);
});

Deno.test("giving back twice counts once", () => {
  const tally = new Tally(1, 1);
  const first = tally.take("a")!;
  first();
  const second = tally.take("a")!;
  first();
  assertEquals(tally.take("a"), undefined);
  second();
  assertEquals(tally.total, 0);
});

Deno.test("a client is an IPv4 address, or a /64 of IPv6", () => {
  assertEquals(clientKey("192.0.2.1"), "192.0.2.1");
  assertEquals(clientKey("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(clientKey("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(clientKey("2001:db8:1:2::1"), clientKey("2001:db8:1:2:ffff::"));
});

import { assertEquals } from "@std/assert";
import { Ipv6Path } from "../../../src/policy/ipv6_path.ts";
import { type Names, routeOf } from "../../../src/policy/route.ts";
import { formatIp } from "../../../src/wire/address.ts";

const NAMES: Names = {
  isResolver: true,
  isFake: (address) => formatIp(address).startsWith("198.18."),
  nameOf: (address) => formatIp(address) === "198.18.0.7" ? "a.test" : undefined,
};
const to = (hostname: string, port: number) => ({ hostname, port });

Deno.test("a flow goes to the name behind a fake address, and to any other address itself", () => {
  assertEquals(routeOf(to("198.18.0.7", 80), NAMES), {
    to: "tunnel",
    hostname: "a.test",
    port: 80,
  });
  const real = { to: "tunnel", hostname: "192.0.2.1", port: 80 } as const;
  assertEquals(routeOf(to("192.0.2.1", 80), NAMES), real);
  assertEquals(routeOf(to("198.18.0.8", 80), NAMES).to, "nowhere");
});

Deno.test("port 53 of every server is answered here, unless nobody here answers", () => {
  assertEquals(routeOf(to("192.0.2.1", 53), NAMES), { to: "resolver" });
  const off = { ...NAMES, isResolver: false };
  assertEquals(routeOf(to("192.0.2.1", 53), off).to, "tunnel");
});

Deno.test("DNS over TLS passes, unless it is blocked", () => {
  assertEquals(routeOf(to("192.0.2.1", 853), NAMES).to, "tunnel");
  const route = routeOf(to("192.0.2.1", 853), NAMES, { blockDot: true });
  assertEquals(route.to === "nowhere" && route.refusal, "reset");
  assertEquals(routeOf(to("192.0.2.1", 443), NAMES, { blockDot: true }).to, "tunnel");
});

Deno.test("three refusals in a row say that there is no IPv6, for ten minutes", () => {
  const path = new Ipv6Path();
  path.noteUnroutable(0);
  path.noteUnroutable(0);
  assertEquals(path.isUseful(0), true);
  path.noteOpened();
  for (const now of [0, 1, 2]) path.noteUnroutable(now);
  assertEquals([path.isUseful(3), path.isUseful(600_001), path.isUseful(600_002)], [
    false,
    false,
    true,
  ]);
  path.noteUnroutable(600_002);
  assertEquals(path.isUseful(600_002), false);
  path.noteOpened();
  assertEquals(path.isUseful(600_002), true);
});

import { assertEquals, assertThrows } from "@std/assert";
import { createGuard } from "../../../src/proxy/guard.ts";
import { parseIp } from "../../../src/wire/address.ts";

const OPEN = [
  "1.1.1.1",
  "93.184.216.34",
  "172.15.255.255",
  "172.32.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
  "::ffff:1.1.1.1",
  "64:ff9b::1.1.1.1",
];

const SHUT = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254", // where clouds keep their metadata
  "172.16.0.1",
  "172.31.255.255",
  "192.0.2.1",
  "192.168.1.1",
  "198.18.0.1", // our own fake addresses
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:169.254.169.254",
  "64:ff9b::127.0.0.1",
  "64:ff9b::10.0.0.1",
  "64:ff9b:1::1",
  "2001:db8::1",
  "2002:7f00:1::1", // 6to4 of 127.0.0.1
  "fc00::1",
  "fdff::1",
  "fe80::1",
  "ff02::1",
  "100::1",
];

Deno.test("the guard lets public addresses through, and no others", () => {
  const guard = createGuard([]);
  for (const text of OPEN) assertEquals(guard(parseIp(text)!), true, text);
  for (const text of SHUT) assertEquals(guard(parseIp(text)!), false, text);
});

Deno.test("an allowed block opens itself, in IPv6 clothes too, and nothing beside it", () => {
  const guard = createGuard(["127.0.0.0/8", "10.1.0.0/16", "fd00:1::/32", "::1"]);
  for (const text of ["127.0.0.1", "::ffff:127.0.0.1", "10.1.255.255", "fd00:1::5", "::1"]) {
    assertEquals(guard(parseIp(text)!), true, text);
  }
  for (const text of ["10.0.255.255", "10.2.0.0", "fd00:2::", "::2", "192.168.0.1"]) {
    assertEquals(guard(parseIp(text)!), false, text);
  }
});

Deno.test("an allowed block that is none is the operator's mistake", () => {
  for (const text of ["", "10.0.0.0/33", "localhost", "10.0.0.0/8/8", "any"]) {
    assertThrows(() => createGuard([text]), TypeError, `Cannot allow "${text}"`);
  }
});

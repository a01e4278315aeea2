import { assert, assertEquals, assertThrows } from "@std/assert";
import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "npm:ipaddr.js@2.2.0";
import {
  cidrContains,
  classifyIp,
  formatCidr,
  formatIp,
  type IpClass,
  parseCidr,
  parseIp,
  parseIpv4,
  parseIpv6,
  unmapIp,
} from "../../../src/wire/address.ts";
import { type Dice, seededDice } from "../random.ts";

/** Text near the border between an address and none. */
function hostileText(dice: Dice): string {
  const parts = [
    ":",
    "::",
    ".",
    "0",
    "1",
    "00",
    "255",
    "256",
    "ffff",
    "fffff",
    "1.2.3.4",
    "f",
    "G",
  ];
  let text = "";
  for (let i = dice.int(14) + 1; i > 0; i--) text += dice.pick(parts);
  return text;
}

/** An IPv6 text of eight groups, spelled in one of the many allowed ways. */
function spelledIpv6(dice: Dice): string {
  const groups = Array.from({ length: 8 }, () => {
    const hex = dice.pick([0, 0, 1, 0xff, dice.int(65536)]).toString(16);
    return dice.pick([hex, hex.padStart(4, "0"), hex.toUpperCase()]);
  });
  if (dice.int(2) === 0) return groups.join(":");
  const start = dice.int(8);
  const end = start + 1 + dice.int(8 - start);
  return `${groups.slice(0, start).join(":")}::${groups.slice(end).join(":")}`;
}

Deno.test("hostile text is an address exactly when node:net says so", () => {
  const dice = seededDice(1);
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = hostileText(dice);
    assertEquals(parseIpv4(text) !== undefined, isIPv4(text), text);
    assertEquals(parseIpv6(text) !== undefined, isIPv6(text), text);
    assertEquals(parseIp(text) !== undefined, isIPv4(text) || isIPv6(text), text);
    if (parseIp(text) !== undefined) accepted++;
  }
  assert(accepted > 100, `only ${accepted} of the generated texts were addresses`);
});

Deno.test("IPv6 texts have the bytes that ipaddr.js reads and come back in the form that URL writes", () => {
  const dice = seededDice(2);
  for (let i = 0; i < 5_000; i++) {
    const text = spelledIpv6(dice);
    const oracle = ipaddr.IPv6.parse(text);
    const bytes = parseIp(text);
    assertEquals([...bytes!], oracle.toByteArray(), text);
    // The URL standard writes RFC 5952 too, and picks the longest run of zeros where ipaddr.js picks the longest text.
    if (!oracle.isIPv4MappedAddress()) {
      assertEquals(`[${formatIp(bytes!)}]`, new URL(`http://[${text}]`).hostname);
    }
    assertEquals(parseIp(formatIp(bytes!)), bytes);
  }
});

Deno.test("IPv4 texts have the bytes that ipaddr.js reads and round-trip", () => {
  const dice = seededDice(3);
  for (let i = 0; i < 2_000; i++) {
    const text = [...dice.bytes(4)].join(".");
    assertEquals([...parseIp(text)!], ipaddr.IPv4.parse(text).toByteArray());
    assertEquals(formatIp(parseIp(text)!), text);
  }
});

Deno.test("spellings of IPv4 that other parsers read differently are not addresses", () => {
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "0x1.2.3.4",
      "1e1.0.0.1",
      "+1.2.3.4",
      "-1.2.3.4",
      " 1.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4\n",
      "1.2.3.",
      "256.0.0.1",
      "2130706433",
      "\uff11.2.3.4",
      "1..3.4",
    ]
  ) assertEquals(parseIpv4(text), undefined, JSON.stringify(text));
});

Deno.test("spellings of IPv6 that are not RFC 4291 are not addresses", () => {
  for (
    const text of [
      "",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4::5:6:7:8",
      "1:2:3:4:5:6:7:8:9",
      ":1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:",
      "::12345",
      "fe80::1%eth0",
      "[::1]",
      "1.2.3.4::",
      "::1.2.3.4:5",
      "::01.2.3.4",
      "::1.2.3",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::g",
      "::1 ",
      ":".repeat(100_000),
    ]
  ) assertEquals(parseIpv6(text), undefined, text.slice(0, 60));
});

Deno.test("the text of IPv6 follows RFC 5952", () => {
  const cases: [string, string][] = [
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["0:0:1:0:0:0:0:0", "0:0:1::"],
    ["::ffff:c000:0201", "::ffff:192.0.2.1"],
    ["::1.2.3.4", "::102:304"],
  ];
  for (const [text, canonical] of cases) assertEquals(formatIp(parseIp(text)!), canonical);
});

Deno.test("formatIp reads inside a larger buffer and refuses other lengths", () => {
  const packet = Uint8Array.of(9, 9, 192, 0, 2, 1, 9);
  assertEquals(formatIp(packet, 2, 4), "192.0.2.1");
  assertThrows(() => formatIp(packet), RangeError, 'Cannot format an address of "7" bytes');
});

Deno.test("a block holds what ipaddr.js says it holds", () => {
  const dice = seededDice(4);
  for (let i = 0; i < 5_000; i++) {
    const length = dice.pick([4, 16]);
    const network = dice.bytes(length);
    const address = network.slice();
    const bit = dice.int(length * 8);
    if (dice.int(8) > 0) address[bit >>> 3] ^= 0x80 >>> (bit & 7);
    const prefixLength = dice.int(length * 8 + 1);
    const cidr = parseCidr(`${formatIp(network)}/${prefixLength}`)!;
    const [a, b] = [address, network].map((bytes) => ipaddr.fromByteArray([...bytes]));
    const expected = (a as ipaddr.IPv6).match(b as ipaddr.IPv6, prefixLength);
    assertEquals(cidrContains(cidr, address), expected, `${a} in ${formatCidr(cidr)}`);
  }
});

Deno.test("a block does not hold addresses of the other family", () => {
  assertEquals(cidrContains(parseCidr("0.0.0.0/0")!, parseIp("::ffff:1.2.3.4")!), false);
  assertEquals(cidrContains(parseCidr("::/0")!, parseIp("1.2.3.4")!), false);
});

Deno.test("blocks keep their host bits, and an address alone is a block of one", () => {
  assertEquals(formatCidr(parseCidr("198.18.0.1/15")!), "198.18.0.1/15");
  assertEquals(formatCidr(parseCidr("127.0.0.1")!), "127.0.0.1/32");
  assertEquals(formatCidr(parseCidr("FD00::1")!), "fd00::1/128");
  for (
    const text of ["", "/", "/8", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/08", "1.2.3.4/8/8"]
  ) assertEquals(parseCidr(text), undefined, text);
  for (const text of ["1.2.3.4/-1", "1.2.3.4/1e1", "1.2.3.4/ 8", "10/8", "1.2.3.4/8/"]) {
    assertEquals(parseCidr(text), undefined, text);
  }
});

Deno.test("every kind of address is told apart, at both ends of its block", () => {
  const cases: Record<IpClass, string> = {
    unspecified: "0.0.0.0 ::",
    loopback: "127.0.0.0 127.0.0.1 127.255.255.255 ::1 64:ff9b::127.0.0.1",
    private: "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.255.255 64:ff9b:1::1",
    shared: "100.64.0.0 100.127.255.255",
    "link-local": "169.254.0.0 169.254.169.254 fe80:: febf:ffff::1",
    multicast: "224.0.0.0 239.255.255.255 ff00:: ff02::1",
    broadcast: "255.255.255.255",
    documentation: "192.0.2.1 198.51.100.255 203.0.113.0 2001:db8::1 3fff:fff::1",
    benchmark: "198.18.0.0 198.19.255.255 2001:2::1",
    reserved:
      "0.0.0.1 192.0.0.8 192.88.99.1 240.0.0.0 255.255.255.254 ::2 ::1.2.3.4 100::1 2001::1 2002:a00:1::1 4000::1 5f00::1 fec0::1 64:ff9b:2::1",
    "unique-local": "fc00:: fdff:ffff::1",
    mapped: "::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:8.8.8.8",
    global:
      "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.0.9 192.0.1.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2001:200::1 2001:1::1 3fff:1000::1 64:ff9b::8.8.8.8",
  };
  for (const [kind, texts] of Object.entries(cases)) {
    for (const text of texts.split(" ")) assertEquals(classifyIp(parseIp(text)!), kind, text);
  }
});

Deno.test("unmapIp opens IPv4-mapped addresses and leaves others alone", () => {
  assertEquals(formatIp(unmapIp(parseIp("::ffff:127.0.0.1")!)), "127.0.0.1");
  assertEquals(formatIp(unmapIp(parseIp("::fffe:127.0.0.1")!)), "::fffe:7f00:1");
  assertEquals(formatIp(unmapIp(parseIp("10.0.0.1")!)), "10.0.0.1");
});

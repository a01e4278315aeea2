import { assertEquals } from "@std/assert";
import { parseCidr } from "../../../src/wire/address.ts";
import {
  addressRequest,
  answerOf,
  linkRequest,
  numbered,
  quietIpv6Request,
  routeRequest,
} from "../../../src/tun/netlink.ts";

/** Hex digits, spaces free, as bytes. */
function hex(...lines: string[]): Uint8Array {
  return Uint8Array.from(lines.join("").replaceAll(" ", "").match(/../g)!, (h) => parseInt(h, 16));
}

Deno.test("a link request sets the MTU and brings the interface up", () => {
  assertEquals(
    numbered(linkRequest(7, { up: true, mtu: 1500 }), 3),
    hex(
      "28000000 1000 0500 03000000 00000000", // length, RTM_NEWLINK, REQUEST|ACK, sequence, port
      "00 00 0000 07000000 01000000 01000000", // family, type, index, flags, change mask
      "0800 0400 dc050000", // IFLA_MTU
    ),
  );
});

Deno.test("a link request sets how many packets may wait", () => {
  assertEquals(
    linkRequest(7, { queuePackets: 4096 }),
    hex(
      "28000000 1000 0500 00000000 00000000",
      "00 00 0000 07000000 00000000 00000000",
      "0800 0d00 00100000", // IFLA_TXQLEN
    ),
  );
});

Deno.test("a quiet IPv6 request nests the address generation mode and pads it", () => {
  assertEquals(
    quietIpv6Request(7),
    hex(
      "30000000 1000 0500 00000000 00000000",
      "00 00 0000 07000000 00000000 00000000",
      "1000 1a80", // IFLA_AF_SPEC, nested
      "0c00 0a80", // AF_INET6, nested
      "0500 0800 01 000000", // IFLA_INET6_ADDR_GEN_MODE none
    ),
  );
});

Deno.test("an address request carries an IPv4 address with its prefix", () => {
  assertEquals(
    addressRequest(7, parseCidr("198.18.0.1/15")!),
    hex(
      "28000000 1400 0506 00000000 00000000",
      "02 0f 00 00 07000000", // AF_INET, /15, flags, scope, index
      "0800 0200 c6120001 0800 0100 c6120001", // IFA_LOCAL, IFA_ADDRESS
    ),
  );
});

Deno.test("an IPv6 address is usable at once, without duplicate detection", () => {
  const request = addressRequest(7, parseCidr("fd73:7470::1/64")!);
  assertEquals(request.length, 64);
  assertEquals(request.slice(16, 20), hex("0a 40 02 00"));
});

Deno.test("a route request drops the bits behind the prefix, which the kernel refuses", () => {
  assertEquals(
    routeRequest(7, parseCidr("10.255.3.4/9")!),
    hex(
      "2c000000 1800 0506 00000000 00000000",
      "02 09 00 00 fe 04 fd 01 00000000", // AF_INET, /9, table main, static, scope link, unicast
      "0800 0100 0a800000", // RTA_DST
      "0800 0400 07000000", // RTA_OIF
    ),
  );
});

Deno.test("a default route has no destination", () => {
  const request = routeRequest(7, parseCidr("::/0")!);
  assertEquals(request.length, 16 + 12 + 8);
  assertEquals(request[16], 10);
});

Deno.test("an answer is known by its sequence number, and nothing else is one", () => {
  const answer = hex("24000000 0200 0000 05000000 00000000 ffffffff", "00".repeat(16));
  assertEquals(answerOf(answer, 5), 1);
  assertEquals(answerOf(answer, 6), undefined);
  for (let length = 0; length < 20; length++) {
    assertEquals(answerOf(answer.subarray(0, length), 5), undefined);
  }
  answer[4] = 3;
  assertEquals(answerOf(answer, 5), undefined);
});

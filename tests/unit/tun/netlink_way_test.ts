import { assert, assertEquals } from "@std/assert";
import { parseIp } from "../../../src/wire/address.ts";
import { isSameWay, readWay, wayQuestion, wayRequest } from "../../../src/tun/netlink_way.ts";

/** Hex digits, spaces free, as bytes. */
function hex(...lines: string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(lines.join("").replaceAll(" ", "").match(/../g)!, (h) => parseInt(h, 16));
}

const ADDRESS = parseIp("203.0.113.9")!;

/** An answer as Linux gives it: through 10.0.0.1, by interface 3, from 10.0.0.2. */
const ANSWER = hex(
  "4c000000 1800 0000 01000000 00000000", // length, RTM_NEWROUTE, sequence
  "02 20 00 00 fe 00 00 01 00020000", // /32, table main, unicast, cloned
  "0800 0f00 fe000000", // RTA_TABLE, which is not kept
  "0800 0100 cb007109", // RTA_DST
  "0800 0400 03000000", // RTA_OIF
  "0800 0500 0a000001", // RTA_GATEWAY
  "0800 0700 0a000002", // RTA_PREFSRC
  "0800 1000 00000000", // RTA_UID's place: something unknown
);

Deno.test("a question asks for the way to one address", () => {
  assertEquals(
    wayQuestion(ADDRESS),
    hex(
      "24000000 1a00 0500 00000000 00000000", // RTM_GETROUTE, REQUEST|ACK
      "02 20 00 00 00 00 00 00 00000000",
      "0800 0100 cb007109",
    ),
  );
});

Deno.test("a question may ask for the way by one interface", () => {
  assertEquals(
    wayQuestion(ADDRESS, 7).slice(16),
    hex("02 20 00 00 00 00 00 00 00000000", "0800 0100 cb007109", "0800 0400 07000000"),
  );
});

Deno.test("two ways are the same when they take the same interface, gateway and source", () => {
  const way = readWay(ANSWER, ADDRESS)!;
  assert(isSameWay(way, readWay(ANSWER, ADDRESS)!));
  const other = ANSWER.with(-9, 3); // the source
  assert(!isSameWay(way, readWay(other, ADDRESS)!));
});

Deno.test("a way keeps interface, gateway and source, as a route to one address", () => {
  const way = readWay(ANSWER, ADDRESS)!;
  assertEquals(way.isFar, true);
  const attributes = "0800 0100 cb007109 0800 0400 03000000 0800 0500 0a000001 0800 0700 0a000002";
  assertEquals(
    wayRequest(way, "add"),
    hex("3c000000 1800 0506 00000000 00000000", "02 20 00 00 fe 04 00 01 00000000", attributes),
  );
  assertEquals(
    wayRequest(way, "remove"),
    hex("3c000000 1900 0500 00000000 00000000", "02 20 00 00 fe 04 00 01 00000000", attributes),
  );
});

Deno.test("an address on the link gets a route of the link's scope", () => {
  const onLink = hex(
    "2c000000 1800 0000 01000000 00000000",
    "02 20 00 00 fe 00 00 01 00000000",
    "0800 0100 cb007109",
    "0800 0400 03000000",
  );
  const request = wayRequest(readWay(onLink, ADDRESS)!, "add");
  assertEquals(request.slice(16, 28), hex("02 20 00 00 fe 04 fd 01 00000000"));
});

Deno.test("an address of this machine has no way, and a cut answer none either", () => {
  const local = ANSWER.slice();
  local[23] = 2; // RTN_LOCAL
  assertEquals(readWay(local, ADDRESS), undefined);
  for (let length = 0; length < ANSWER.length; length++) {
    const cut = ANSWER.slice(0, length);
    const way = readWay(cut, ADDRESS); // whole attributes or nothing, and never an exception
    for (const attribute of way?.attributes ?? []) assertEquals(attribute.length, 8);
  }
});

import { assertEquals } from "@std/assert";
import { enhancedPacket, interfaceDescription, sectionHeader } from "../../../src/tun/pcapng.ts";

/** Hex digits, spaces free, as bytes. */
function hex(...lines: string[]): Uint8Array {
  return Uint8Array.from(lines.join("").replaceAll(" ", "").match(/../g)!, (h) => parseInt(h, 16));
}

Deno.test("a section header says the byte order and the application", () => {
  assertEquals(
    sectionHeader("ab"),
    hex(
      "0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff", // length, magic, version, unknown length
      "0400 0200 6162 0000 0000 0000 28000000", // application, end of options, length
    ),
  );
});

Deno.test("an interface carries raw IP", () => {
  assertEquals(
    interfaceDescription("tun0"),
    hex("01000000 20000000 6500 0000 00000000 0200 0400 74756e30 0000 0000 20000000"),
  );
});

Deno.test("a packet block has time, direction, comment, drops, and padding", () => {
  const notes = { timeUs: 2 ** 32 + 5, direction: "outbound", comment: "hey", dropped: 3 } as const;
  assertEquals(
    enhancedPacket(Uint8Array.of(0x45, 1, 2, 3, 4), notes),
    hex(
      "06000000 48000000 00000000 01000000 05000000 05000000 05000000", // interface, time, lengths
      "45010203 04000000",
      "0200 0400 02000000", // flags: outbound
      "0400 0800 03000000 00000000", // drop count
      "0100 0300 68657900", // comment
      "0000 0000 48000000",
    ),
  );
});

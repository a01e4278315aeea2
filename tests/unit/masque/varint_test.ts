import { assertEquals, assertThrows } from "@std/assert";
import {
  getBigVarint,
  getVarint,
  MAX_VARINT,
  setVarint,
  varintLength,
  varintLengthAt,
} from "../../../src/masque/varint.ts";
import { seededDice } from "../random.ts";

/** The naive twin: bits as text. */
function naiveEncode(value: bigint): number[] {
  const [length, prefix] = value < 64n
    ? [1, "00"]
    : value < 16384n
    ? [2, "01"]
    : value < 1073741824n
    ? [4, "10"]
    : [8, "11"];
  const bits = prefix + value.toString(2).padStart(length * 8 - 2, "0");
  return Array.from({ length }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8), 2));
}

function encode(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(10);
  return bytes.slice(1, setVarint(bytes, 1, value));
}

Deno.test("The examples of RFC 9000, appendix A.1, read as they should", () => {
  const examples: [string, bigint][] = [
    ["c2197c5eff14e88c", 151288809941952652n],
    ["9d7f3e7d", 494878333n],
    ["7bbd", 15293n],
    ["25", 37n],
    ["4025", 37n],
  ];
  for (const [hex, value] of examples) {
    const bytes = Uint8Array.fromHex(hex);
    assertEquals(varintLengthAt(bytes[0]), bytes.length);
    assertEquals(getBigVarint(bytes, 0), value);
    assertEquals(getVarint(bytes, 0), value <= 2n ** 53n ? Number(value) : Infinity);
    if (hex !== "4025") assertEquals(encode(value), bytes);
  }
});

Deno.test("Every border is written as the naive twin writes it, and reads back", () => {
  const dice = seededDice(9000);
  const values = [0n, 63n, 64n, 16383n, 16384n, 2n ** 30n - 1n, 2n ** 30n, 2n ** 32n, MAX_VARINT];
  for (let i = 0; i < 2000; i++) {
    const bits = 1 + dice.int(62);
    values.push(BigInt.asUintN(bits, BigInt(`0x${dice.bytes(8).toHex()}`)));
  }
  for (const value of values) {
    assertEquals([...encode(value)], naiveEncode(value));
    assertEquals(getBigVarint(encode(value), 0), value);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      assertEquals([...encode(Number(value))], naiveEncode(value));
      assertEquals(getVarint(encode(value), 0), Number(value));
      assertEquals(varintLength(Number(value)), encode(value).length);
    } else assertEquals(getVarint(encode(value), 0), Infinity);
  }
});

Deno.test("What is no integer of 62 bits is a mistake of the caller", () => {
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n, MAX_VARINT + 1n]) {
    assertThrows(() => encode(value), RangeError, "integer from 0 to 2^62");
  }
});

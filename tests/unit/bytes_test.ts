import { assertEquals } from "@std/assert";
import { concatBytes, equalBytes, getU16, getU32, setU16, setU32 } from "../../src/bytes.ts";

Deno.test("u32 round-trips above 2^31", () => {
  const bytes = new Uint8Array(5);
  setU32(bytes, 1, 0xfffefdfc);
  assertEquals([...bytes], [0, 0xff, 0xfe, 0xfd, 0xfc]);
  assertEquals(getU32(bytes, 1), 0xfffefdfc);
});

Deno.test("u16 keeps the low 16 bits", () => {
  const bytes = new Uint8Array(2);
  setU16(bytes, 0, 0x12345);
  assertEquals(getU16(bytes, 0), 0x2345);
});

Deno.test("concatBytes and equalBytes", () => {
  assertEquals(
    concatBytes([new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3])]),
    new Uint8Array([1, 2, 3]),
  );
  assertEquals(equalBytes(new Uint8Array([1]), new Uint8Array([1, 2])), false);
  assertEquals(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2])), true);
});

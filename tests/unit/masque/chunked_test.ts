import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { ChunkedDecoder, encodeChunk, LAST_CHUNK } from "../../../src/masque/chunked.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Decodes in pieces of `size`: the body, how far the decoder got, and the fault. */
function decode(wire: Uint8Array<ArrayBuffer>, size: number = wire.length || 1) {
  const parts: Uint8Array[] = [];
  const decoder = new ChunkedDecoder();
  let fault: string | undefined;
  for (let at = 0; at < wire.length; at += size) {
    fault ??= decoder.push(wire.slice(at, at + size), (part) => void parts.push(part));
  }
  return { body: new TextDecoder().decode(concatBytes(parts)), isOver: decoder.isOver, fault };
}

Deno.test("a chunked body is decoded whole, byte by byte, and with trailing bytes", () => {
  const wire = bytes(
    '4\r\nWiki\r\n0d;name="v"\r\n in\r\n\r\nchunks\r\n0\r\nTrailer: x\r\n\r\nnext',
  );
  for (const size of [wire.length, 1, 2, 3, 7]) {
    const expected = { body: "Wiki in\r\n\r\nchunks", isOver: true, fault: undefined };
    assertEquals(decode(wire, size), expected);
  }
});

Deno.test("a chunked body that is cut anywhere is not over", () => {
  const wire = bytes("3\r\nabc\r\n0\r\n\r\n");
  for (let length = 0; length < wire.length; length++) {
    const { isOver, fault } = decode(wire.slice(0, length), 4);
    assertEquals([isOver, fault], [false, undefined]);
  }
});

Deno.test("what two readers could read in two ways is a fault", () => {
  const cases = [
    ["\r\n", "size"],
    ["-1\r\n", "size"],
    ["+1\r\na\r\n", "size"],
    ["0x1\r\na\r\n", "size"],
    [" 1\r\na\r\n", "size"],
    ["1 1\r\na\r\n", "size"],
    ["1234567890abc\r\n", "size"],
    ["1\na\r\n", "LF"],
    ["1\r\r\na\r\n", "CR"],
    ["1\r\nab\r\n", "behind a chunk"],
    [`1;${"x".repeat(2_000)}`, "line"],
    [`0\r\n${`T: ${"x".repeat(900)}\r\n`.repeat(10)}`, "trailer"],
  ];
  for (const [wire, words] of cases) {
    const { fault } = decode(bytes(wire), 3);
    assertEquals(fault?.includes(words), true, `${JSON.stringify(wire).slice(0, 40)}: ${fault}`);
  }
});

Deno.test("an encoded body reads back", () => {
  const parts = ["a", "b".repeat(15), "c".repeat(16), "d".repeat(70_000)];
  const wire = concatBytes([...parts.map((part) => encodeChunk(bytes(part))), LAST_CHUNK]);
  assertEquals(decode(wire, 1_000), { body: parts.join(""), isOver: true, fault: undefined });
  assertThrows(() => encodeChunk(new Uint8Array(0)), RangeError, "end the body");
});

import { assert, assertEquals } from "@std/assert";
import type { Field } from "../../../../src/masque/fields/field.ts";
import { decodeFieldSection, encodeFieldSection } from "../../../../src/masque/h3/field_section.ts";
import { ERROR, type H3Fault } from "../../../../src/masque/h3/codes.ts";
import { decodeHuffman, huffmanLength, setHuffman } from "../../../../src/masque/fields/huffman.ts";
import {
  getPrefixInteger,
  MAX_PREFIX_INTEGER_BYTES,
  setPrefixInteger,
} from "../../../../src/masque/fields/prefix_integer.ts";
import { findField, findName, STATIC_TABLE } from "../../../../src/masque/h3/static_table.ts";
import {
  DecoderStreamReader,
  EncoderStreamReader,
} from "../../../../src/masque/h3/table_streams.ts";
import { type Dice, seededDice } from "../../random.ts";

const MAX_SIZE = 16_384;

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex.replace(/[^0-9a-f]/g, ""));
}

function huffmanOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(huffmanLength(text));
  assertEquals(setHuffman(bytes, 0, text), bytes.length);
  return bytes;
}

function codeOf(result: Field[] | H3Fault): number {
  return "code" in result ? result.code : 0;
}

Deno.test("Huffman strings are those of RFC 7541, appendix C, in both directions", () => {
  const vectors: readonly (readonly [string, string])[] = [
    ["f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"], // C.4.1
    ["a8eb10649cbf", "no-cache"], // C.4.2
    ["25a849e95ba97d7f", "custom-key"], // C.4.3
    ["25a849e95bb8e8b4bf", "custom-value"],
    ["6402", "302"], // C.6.1
    ["aec3771a4b", "private"],
    ["d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"],
    ["640eff", "307"], // C.6.2
    ["9bd9ab", "gzip"], // C.6.3
    [
      "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ];
  for (const [hex, text] of vectors) {
    assertEquals(decodeHuffman(bytesOf(hex)), text);
    assertEquals(huffmanOf(text).toHex(), hex);
  }
});

Deno.test("Every byte survives the Huffman code, and so do long strings of any", () => {
  const dice = seededDice(7541);
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
  assertEquals(decodeHuffman(huffmanOf(all)), all);
  for (let i = 0; i < 200; i++) {
    const text = String.fromCharCode(...dice.bytes(dice.int(40)));
    assertEquals(decodeHuffman(huffmanOf(text)), text);
  }
});

Deno.test("Huffman padding that is too long, of zeros, or the end symbol itself is refused", () => {
  assertEquals(decodeHuffman(bytesOf("6402 ff")), undefined); // a whole byte of padding
  assertEquals(decodeHuffman(bytesOf("f1e3c2e5f23a6ba0ab90f4 00")), undefined);
  assertEquals(decodeHuffman(bytesOf("ffffffff")), undefined);
  assertEquals(decodeHuffman(bytesOf("")), "");
});

Deno.test("Prefix integers are those of RFC 7541, appendix C.1, and end where they end", () => {
  const vectors: readonly (readonly [number, number, string])[] = [
    [5, 10, "0a"],
    [5, 1337, "1f9a0a"],
    [8, 42, "2a"],
    [7, 127, "7f00"],
    [3, 2 ** 28, "07f9ffff7f"],
  ];
  for (const [bits, value, hex] of vectors) {
    const bytes = new Uint8Array(MAX_PREFIX_INTEGER_BYTES);
    const end = setPrefixInteger(bytes, 0, bits, 0, value);
    assertEquals(bytes.subarray(0, end).toHex(), hex);
    assertEquals(getPrefixInteger(bytes, 0, bits), { value, end });
    for (let cut = 0; cut < end; cut++) {
      assertEquals(getPrefixInteger(bytes.subarray(0, cut), 0, bits), "cut off");
    }
  }
  assertEquals(getPrefixInteger(bytesOf("1fffffffffff01"), 0, 5), "too large");
  assertEquals(getPrefixInteger(bytesOf("1f8080808080"), 0, 5), "too large");
});

Deno.test("The static table stands as in RFC 9204, appendix A", () => {
  assertEquals(STATIC_TABLE.length, 99);
  const rows: readonly (readonly [number, string, string])[] = [
    [0, ":authority", ""],
    [1, ":path", "/"],
    [15, ":method", "CONNECT"],
    [23, ":scheme", "https"],
    [25, ":status", "200"],
    [52, "content-type", "text/html; charset=utf-8"],
    [63, ":status", "100"],
    [71, ":status", "500"],
    [84, "authorization", ""],
    [98, "x-frame-options", "sameorigin"],
  ];
  for (const [index, name, value] of rows) {
    assertEquals(STATIC_TABLE[index], [name, value]);
    assertEquals(findField(name, value), index);
  }
  assertEquals(findName(":status"), 24);
  assertEquals(findName("proxy-status"), undefined);
});

Deno.test("The literal of RFC 9204, appendix B.1, is read, and written shorter", () => {
  const bytes = bytesOf("0000 510b 2f69 6e64 6578 2e68 746d 6c");
  assertEquals(decodeFieldSection(bytes, MAX_SIZE), [[":path", "/index.html"]]);
  const ours = encodeFieldSection([[":path", "/index.html"]]);
  assert(ours.length < bytes.length);
  assertEquals(decodeFieldSection(ours, MAX_SIZE), [[":path", "/index.html"]]);
});

Deno.test("What RFC 9204, appendices B.2 to B.5, say to a dynamic table is refused", () => {
  const inserts = bytesOf("3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d"); // B.2
  assertEquals(new EncoderStreamReader().push(inserts)?.code, ERROR.QPACK_ENCODER_STREAM_ERROR);
  for (const section of ["0381 10 11", "0500 80 c1 81", "0000 80", "0000 10", "0000 00 00 00"]) {
    const result = decodeFieldSection(bytesOf(section), MAX_SIZE);
    assertEquals(codeOf(result), ERROR.QPACK_DECOMPRESSION_FAILED, section);
  }
});

Deno.test("On the QPACK streams only what needs no table is taken", () => {
  const encoder = new EncoderStreamReader();
  assertEquals(encoder.push(bytesOf("2020")), undefined);
  assertEquals(encoder.push(bytesOf("21"))?.code, ERROR.QPACK_ENCODER_STREAM_ERROR);
  const decoder = new DecoderStreamReader();
  for (const byte of bytesOf("48 7f 81 00 40")) {
    assertEquals(decoder.push(new Uint8Array([byte])), undefined);
  }
  assertEquals(decoder.push(bytesOf("84"))?.code, ERROR.QPACK_DECODER_STREAM_ERROR);
  const other = new DecoderStreamReader();
  assertEquals(other.push(bytesOf("01"))?.code, ERROR.QPACK_DECODER_STREAM_ERROR);
});

function randomFields(dice: Dice): Field[] {
  return Array.from({ length: dice.int(8) }, () => {
    if (dice.int(3) === 0) return dice.pick(STATIC_TABLE);
    const name = dice.pick(["cookie", "proxy-status", ":path", "x", "a-long-name-of-nobody"]);
    return [name, String.fromCharCode(...dice.bytes(dice.pick([0, 1, 7, 130, 300])))];
  });
}

Deno.test("Field sections survive the round trip, and cut off anywhere they are fewer or a fault", () => {
  const dice = seededDice(9204);
  for (let i = 0; i < 100; i++) {
    const fields = randomFields(dice);
    const bytes = encodeFieldSection(fields);
    assertEquals(decodeFieldSection(bytes, MAX_SIZE), fields);
    for (let cut = 0; cut < bytes.length; cut++) {
      const result = decodeFieldSection(bytes.subarray(0, cut), MAX_SIZE);
      if ("code" in result) assertEquals(result.code, ERROR.QPACK_DECOMPRESSION_FAILED);
      else assertEquals(result, fields.slice(0, result.length));
    }
  }
});

Deno.test("Secrets are marked never to be indexed", () => {
  const isMarked = (name: string) => {
    const first = encodeFieldSection([[name, "v"]])[2];
    return (first & 0xc0) === 0x40 ? (first & 0x20) !== 0 : (first & 0x10) !== 0;
  };
  assert(isMarked("proxy-authorization")); // by a literal name
  assert(isMarked("authorization")); // by reference to the static table
  assert(!isMarked("proxy-status"));
  assert(!isMarked("user-agent"));
});

Deno.test("A small section that refers to large entries counts what it means, not what it weighs", () => {
  const bomb = new Uint8Array(2 + 500).fill(0xc0 | 52, 2); // content-type: text/html; charset=utf-8
  const result = decodeFieldSection(bomb, MAX_SIZE);
  assert("code" in result && result.isOfStream && result.code === ERROR.EXCESSIVE_LOAD);
});

Deno.test("Garbage gives fields or a typed fault, never an exception", () => {
  const dice = seededDice(1);
  for (let i = 0; i < 5_000; i++) {
    const bytes = dice.bytes(dice.int(60));
    if (dice.int(4) > 0) bytes.fill(0, 0, 2);
    const result = decodeFieldSection(bytes, 2_000);
    if ("code" in result) assert(result.reason.startsWith("it "));
    decodeHuffman(bytes);
    new DecoderStreamReader().push(bytes);
    new EncoderStreamReader().push(bytes);
  }
});

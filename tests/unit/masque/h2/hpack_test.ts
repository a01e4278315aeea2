import { assert, assertEquals } from "@std/assert";
import type { Field } from "../../../../src/masque/fields/field.ts";
import { ERROR } from "../../../../src/masque/h2/codes.ts";
import { HpackDecoder } from "../../../../src/masque/h2/hpack/decoder.ts";
import { DynamicTable } from "../../../../src/masque/h2/hpack/dynamic_table.ts";
import { HpackEncoder } from "../../../../src/masque/h2/hpack/encoder.ts";
import { findField, findName, STATIC_TABLE } from "../../../../src/masque/h2/hpack/static_table.ts";
import { type Dice, seededDice } from "../../random.ts";

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

const REQUESTS: readonly (readonly Field[])[] = [
  [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];

const DATES = ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"];
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

const RESPONSES: readonly (readonly Field[])[] = [
  [
    [":status", "302"],
    ["cache-control", "private"],
    ["date", DATES[0]],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "307"],
    ["cache-control", "private"],
    ["date", DATES[0]],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "200"],
    ["cache-control", "private"],
    ["date", DATES[1]],
    ["location", "https://www.example.com"],
    ["content-encoding", "gzip"],
    ["set-cookie", COOKIE],
  ],
];

/** A table of 256 bytes, as the examples of responses have it, so that entries go again. */
const TABLE_OF_256 = "3fe101";

const VECTORS: readonly (readonly [string, string, readonly string[], typeof REQUESTS])[] = [
  ["C.3, requests without Huffman", "", [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ], REQUESTS],
  ["C.4, requests with Huffman", "", [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ], REQUESTS],
  ["C.5, responses without Huffman", TABLE_OF_256, [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d" +
    "546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f" +
    "6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b" +
    "2076 6572 7369 6f6e 3d31",
  ], RESPONSES],
  ["C.6, responses with Huffman", TABLE_OF_256, [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7" +
    "8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335" +
    "dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
  ], RESPONSES],
];

for (const [name, before, blocks, expected] of VECTORS) {
  Deno.test(`HPACK reads RFC 7541, appendix ${name}`, () => {
    const decoder = new HpackDecoder(4096);
    assertEquals(decoder.decode(bytesOf(before)), []);
    for (const [i, block] of blocks.entries()) {
      assertEquals(decoder.decode(bytesOf(block)), expected[i]);
    }
  });
}

Deno.test("HPACK reads the single fields of RFC 7541, appendix C.2", () => {
  const rows: readonly (readonly [string, Field])[] = [
    ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", [
      "custom-key",
      "custom-header",
    ]],
    ["040c 2f73 616d 706c 652f 7061 7468", [":path", "/sample/path"]],
    ["1008 7061 7373 776f 7264 0673 6563 7265 74", ["password", "secret"]],
    ["82", [":method", "GET"]],
  ];
  for (const [hex, field] of rows) {
    assertEquals(new HpackDecoder(4096).decode(bytesOf(hex)), [field]);
  }
});

Deno.test("The static table is the one of the RFC at both ends and between", () => {
  assertEquals(STATIC_TABLE.length, 61);
  const rows: readonly (readonly [number, string, string])[] = [
    [1, ":authority", ""],
    [8, ":status", "200"],
    [16, "accept-encoding", "gzip, deflate"],
    [32, "cookie", ""],
    [49, "proxy-authorization", ""],
    [61, "www-authenticate", ""],
  ];
  for (const [index, name, value] of rows) {
    assertEquals(STATIC_TABLE[index - 1], [name, value]);
    assertEquals(findField(name, value), index);
  }
  assertEquals(findName(":status"), 8);
  assertEquals(findName("x-unknown"), undefined);
});

function randomFields(dice: Dice): Field[] {
  const names = [":status", ":authority", "proxy-status", "cookie", "x-a", "proxy-authorization"];
  return Array.from({ length: dice.int(8) }, () => {
    const value = String.fromCharCode(...dice.bytes(dice.pick([0, 1, 5, 40, 200])));
    return [dice.pick(names), value] as const;
  });
}

Deno.test("What is encoded is decoded, block after block", () => {
  const dice = seededDice(7541);
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(1 << 20);
  for (let i = 0; i < 300; i++) {
    const fields = randomFields(dice);
    assertEquals(decoder.decode(encoder.encode(fields)), fields);
  }
});

Deno.test("The encoder forbids a dynamic table once, and marks secrets as never to be indexed", () => {
  const encoder = new HpackEncoder();
  assertEquals(encoder.encode([[":method", "GET"]]).toHex(), "2082");
  assertEquals(encoder.encode([[":method", "GET"]]).toHex(), "82");
  const flags = (name: string) => encoder.encode([[name, "secret"]])[0] & 0xf0;
  assertEquals(flags("proxy-authorization"), 0x10);
  assertEquals(flags("cookie"), 0x10);
  assertEquals(flags("x-secret"), 0);
});

Deno.test("A block cut off at any length is a fault or a shorter list, never an exception", () => {
  for (const [, before, blocks, expected] of VECTORS) {
    for (let length = 0; length < bytesOf(blocks[0]).length; length++) {
      const decoder = new HpackDecoder(4096);
      decoder.decode(bytesOf(before));
      const fields = decoder.decode(bytesOf(blocks[0]).subarray(0, length));
      if (typeof fields === "object" && "code" in fields) {
        assertEquals(fields.code, ERROR.COMPRESSION_ERROR);
      } else {
        assertEquals(fields, expected[0].slice(0, fields.length));
      }
    }
  }
});

Deno.test("What no encoder may send is a compression error, and the decoder is of no more use", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["80", "the index 0"],
    ["be", "the index 62"],
    ["ff80808080808001", "too large"],
    ["3fe21f", "a table size of 4097"],
    ["8220", "a table size behind a header field"],
    ["00", "cut off"],
    ["0081ff00", "Huffman"],
  ];
  for (const [hex, words] of rows) {
    const decoder = new HpackDecoder(4096);
    for (const block of [bytesOf(hex), bytesOf("82")]) {
      const fault = decoder.decode(block);
      assert(typeof fault === "object" && "code" in fault, hex);
      assertEquals(fault.code, ERROR.COMPRESSION_ERROR);
      assert(fault.reason.includes(words), fault.reason);
    }
  }
});

Deno.test("A list that counts too much spoils its exchange, and later blocks are read all the same", () => {
  const decoder = new HpackDecoder(200);
  const insert = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
  assertEquals(decoder.decode(bytesOf(insert)), [["custom-key", "custom-header"]]);
  const bomb = new Uint8Array(10_000).fill(0xbe); // 10 kB that mean half a megabyte
  assertEquals(decoder.decode(bomb), "too large");
  assertEquals(decoder.decode(bytesOf("be")), [["custom-key", "custom-header"]]);
});

Deno.test("The dynamic table keeps its newest entries within its size", () => {
  const table = new DynamicTable(100);
  for (let i = 0; i < 10; i++) table.insert([`n${i}`, "v"]);
  assertEquals([table.at(0), table.at(1), table.at(2)], [["n9", "v"], ["n8", "v"], undefined]);
  assertEquals(table.size, 70);
  table.resize(40);
  assertEquals([table.at(0), table.at(1)], [["n9", "v"], undefined]);
  table.insert(["x", "y".repeat(100)]);
  assertEquals([table.at(0), table.size], [undefined, 0]);
});

Deno.test("Garbage gives fields or a compression error, and a table within its bound", () => {
  const dice = seededDice(61);
  for (let round = 0; round < 400; round++) {
    const decoder = new HpackDecoder(2_000);
    for (let i = 0; i < 4; i++) {
      const fields = decoder.decode(dice.bytes(dice.int(120)));
      if (typeof fields === "object" && "code" in fields) {
        assertEquals(fields.code, ERROR.COMPRESSION_ERROR);
      }
    }
  }
});

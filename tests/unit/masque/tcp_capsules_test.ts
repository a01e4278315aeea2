import { assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import {
  DATA_CAPSULE,
  DATA_HEADER_BYTES,
  encodeData,
  FINAL_DATA_CAPSULE,
  setDataHeader,
  TcpCapsuleReader,
} from "../../../src/masque/tcp_capsules.ts";
import { naiveCapsule } from "../../support/datagram_side.ts";

/** Reads `bytes` in chunks of `size`: the bytes inside, whether the FIN came, and the fault. */
function read(bytes: Uint8Array<ArrayBuffer>, size: number = bytes.length || 1) {
  const got: number[] = [];
  let fins = 0;
  const reader = new TcpCapsuleReader({
    data: (part) => void got.push(...part),
    end: () => void fins++,
  });
  let fault: string | undefined;
  for (let at = 0; at < bytes.length; at += size) fault ??= reader.push(bytes.slice(at, at + size));
  assertEquals(reader.isFinal, fins === 1);
  return { got, fins, fault: fault ?? reader.end() };
}

const STREAM = concatBytes([
  encodeData(Uint8Array.of(1, 2, 3)),
  naiveCapsule(DATA_CAPSULE, []),
  naiveCapsule(0x17, [9, 9, 9]), // reserved, to be skipped
  naiveCapsule(DATA_CAPSULE, Array.from({ length: 100 }, (_, i) => i)),
  encodeData(Uint8Array.of(4, 5), true),
  naiveCapsule(0x2028d7f8, [8]), // unknown, behind the FIN
]);
const INSIDE = [1, 2, 3, ...Array.from({ length: 100 }, (_, i) => i), 4, 5];

Deno.test("TCP in capsules is read whole, byte by byte, and in any other pieces", () => {
  for (const size of [STREAM.length, 1, 2, 3, 7, 50]) {
    assertEquals(read(STREAM, size), { got: INSIDE, fins: 1, fault: undefined });
  }
});

Deno.test("a stream of TCP that is cut anywhere before its FINAL_DATA is whole was cut off", () => {
  const end = STREAM.length - naiveCapsule(0x2028d7f8, [8]).length;
  for (let length = 0; length < STREAM.length; length++) {
    const { fins, fault } = read(STREAM.slice(0, length), 5);
    assertEquals(fins, length < end ? 0 : 1);
    assertEquals(fault === undefined, length === end);
  }
});

Deno.test("bytes of a capsule are handed over before the rest of it has come", () => {
  const got: number[] = [];
  const reader = new TcpCapsuleReader({ data: (part) => void got.push(...part), end: () => {} });
  // Four GiB are announced; nobody waits for them, and nothing is kept.
  const header = naiveCapsule(DATA_CAPSULE, []).slice(0, 4);
  reader.push(concatBytes([header, Uint8Array.of(0xc0, 0, 0, 1, 0, 0, 0, 0, 7, 8)]));
  assertEquals(got, [7, 8]);
  assertEquals(reader.end(), "it ends in the middle of a capsule");
});

Deno.test("nothing of TCP may follow FINAL_DATA", () => {
  for (const type of [DATA_CAPSULE, FINAL_DATA_CAPSULE]) {
    for (const value of [[], [1]]) {
      const bytes = concatBytes([encodeData(Uint8Array.of(1), true), naiveCapsule(type, value)]);
      assertEquals(read(bytes), {
        got: [1],
        fins: 1,
        fault: "it sends data behind its FINAL_DATA",
      });
    }
  }
});

Deno.test("a header that is filled in place is the one of a copied capsule", () => {
  for (const length of [0, 1, 63, 64, 16_384, 70_000]) {
    for (const isFinal of [false, true]) {
      const bytes = new Uint8Array(3 + DATA_HEADER_BYTES + length).fill(6, 3 + DATA_HEADER_BYTES);
      setDataHeader(bytes, 3, length, isFinal);
      assertEquals(bytes.slice(3), encodeData(new Uint8Array(length).fill(6), isFinal));
      assertEquals(read(bytes.slice(3)).got.length, length);
    }
  }
  const huge = { length: 2 ** 30 } as Uint8Array;
  assertThrows(() => encodeData(huge), RangeError, "in pieces");
});

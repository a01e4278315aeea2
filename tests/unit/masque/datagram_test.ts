import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes } from "../../../src/bytes.ts";
import { encodeCapsule } from "../../../src/masque/capsule.ts";
import { CapsuleQueue } from "../../../src/masque/capsule_queue.ts";
import {
  contextOf,
  encodeDatagramCapsule,
  parseQuicDatagram,
  payloadOf,
  setQuarterStreamId,
} from "../../../src/masque/datagram.ts";
import { seededDice } from "../random.ts";

Deno.test("A datagram capsule is its parts, one behind the other", () => {
  const dice = seededDice(1);
  for (const length of [0, 1, 62, 63, 64, 1200, 16383, 16384, 65527]) {
    const payload = dice.bytes(length);
    for (const [context, bytes] of [[0, "00"], [2, "02"], [64, "4040"]] as const) {
      const value = concatBytes([Uint8Array.fromHex(bytes), payload]);
      assertEquals(encodeDatagramCapsule(context, payload), encodeCapsule(0, value));
      assertEquals(contextOf(value), context);
      assertEquals(payloadOf(value), payload);
    }
    assertEquals(encodeDatagramCapsule(undefined, payload), encodeCapsule(0, payload));
  }
});

Deno.test("A Context ID that is cut off is none", () => {
  for (const hex of ["", "40", "800000", "c0000000000000"]) {
    assertEquals(contextOf(Uint8Array.fromHex(hex)), -1);
  }
  assertEquals(contextOf(new Uint8Array(8).fill(0xff)), Infinity);
});

Deno.test("A Quarter Stream ID is the stream's number by four", () => {
  const frame = new Uint8Array(16);
  assertEquals(setQuarterStreamId(frame, 0, 44), 1);
  assertEquals(frame[0], 11);
  assertEquals(parseQuicDatagram(frame), { streamId: 44, length: 1 });
  assertEquals(setQuarterStreamId(frame, 0, 4 * 16384), 4);
  assertEquals(parseQuicDatagram(frame), { streamId: 4 * 16384, length: 4 });
  for (const hex of ["", "40", "d000000000000000", "ffffffffffffffff"]) {
    assertEquals(parseQuicDatagram(Uint8Array.fromHex(hex)), undefined);
  }
  for (const id of [1, 2, -4, 0.5]) {
    assertThrows(() => setQuarterStreamId(frame, 0, id), RangeError, "multiple of 4");
  }
});

Deno.test("What waits in a queue leaves in order, in one write", () => {
  const dice = seededDice(2);
  const queue = new CapsuleQueue();
  for (let round = 0; round < 50; round++) {
    const expected: Uint8Array[] = [];
    for (let i = dice.int(20); i >= 0; i--) {
      const payload = dice.bytes(dice.int(1500));
      const prefix = dice.int(2) === 0 ? undefined : dice.bytes(7);
      const context = dice.pick([0, 2, 100]);
      queue.push(context, payload, prefix);
      expected.push(
        encodeDatagramCapsule(context, concatBytes([prefix ?? new Uint8Array(), payload])),
      );
    }
    assert(!queue.isEmpty);
    assertEquals(queue.take(), concatBytes(expected));
    assertEquals(queue.take(), undefined);
  }
  assertEquals(queue.dropped, 0);
});

Deno.test("A full queue drops its oldest and counts, and keeps within its bound", () => {
  const dice = seededDice(3);
  for (const maxBytes of [70_000, 100_000]) {
    const queue = new CapsuleQueue(maxBytes);
    let all: Uint8Array<ArrayBuffer>[] = [];
    for (let i = 0; i < 500; i++) {
      const payload = dice.bytes(dice.pick([0, 100, 1200, 20_000]));
      queue.push(0, payload);
      all.push(encodeDatagramCapsule(0, payload));
    }
    const taken = queue.take()!;
    assert(taken.length <= maxBytes && taken.length > maxBytes - 25_000, `${taken.length}`);
    all = all.slice(queue.dropped);
    assertEquals(taken, concatBytes(all));
  }
});

Deno.test("A datagram longer than UDP has them is dropped, and the longest fits", () => {
  const queue = new CapsuleQueue();
  queue.push(0, new Uint8Array(65_528));
  assertEquals([queue.dropped, queue.isEmpty], [1, true]);
  queue.push(0, new Uint8Array(65_527));
  assertEquals(queue.take()!.length, 65_527 + 6);
});

Deno.test("Control leaves before datagrams and is never dropped", () => {
  const queue = new CapsuleQueue(70_000);
  queue.push(0, new Uint8Array(1));
  queue.pushControl(new Uint8Array([0x12, 1, 2]));
  for (let i = 0; i < 5; i++) queue.push(0, new Uint8Array(60_000));
  const taken = queue.take()!;
  assertEquals([...taken.subarray(0, 3)], [0x12, 1, 2]);
  assertEquals([queue.dropped, taken.length], [5, 3 + 60_000 + 6]);
});

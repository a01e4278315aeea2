import { assertEquals } from "@std/assert";
import { ReceiveQueue } from "../../../src/tcp/receive_queue.ts";
import { SendQueue } from "../../../src/tcp/send_queue.ts";
import { seededDice } from "../random.ts";

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`the send queue is one long array to look at (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const queue = new SendQueue();
    let twin: number[] = [];
    for (let step = 0; step < 4000; step++) {
      const action = dice.int(10);
      if (action < 3 && twin.length < 100_000) {
        const chunk = dice.bytes(dice.pick([0, 1, 10, 100, 2047, 2048, 3000]));
        twin.push(...chunk);
        queue.push(chunk);
      } else if (action < 8) {
        const offset = dice.int(twin.length + 1);
        const length = dice.int(Math.min(twin.length - offset, 3000) + 1);
        const target = new Uint8Array(length + 5);
        queue.copy(offset, length, target, 2);
        assertEquals(
          target.subarray(2, 2 + length),
          Uint8Array.from(twin.slice(offset, offset + length)),
        );
        assertEquals([target[0], target[1], target[length + 2]], [0, 0, 0]);
      } else {
        const count = dice.int(10) === 0 ? twin.length : dice.int(Math.min(twin.length, 5000) + 1);
        queue.drop(count);
        twin = twin.slice(count);
      }
      assertEquals(queue.length, twin.length);
    }
  });
}

Deno.test("a stream of tiny writes is gathered and dropped without losing a byte", () => {
  const queue = new SendQueue();
  for (let i = 0; i < 50_000; i++) queue.push(Uint8Array.of(i));
  const target = new Uint8Array(1);
  for (let i = 0; i < 50_000; i++) {
    queue.copy(0, 1, target, 0);
    if (target[0] !== (i & 0xff)) throw new Error(`Byte ${i} is ${target[0]}`);
    queue.drop(1);
  }
  assertEquals(queue.length, 0);
});

Deno.test("a small view of a large buffer is copied, so that it may be used again", () => {
  const buffer = new Uint8Array(65_536);
  const queue = new SendQueue();
  queue.push(buffer.subarray(10, 5000).fill(7));
  buffer.fill(9);
  const target = new Uint8Array(1);
  queue.copy(100, 1, target, 0);
  assertEquals(target[0], 7);
});

Deno.test("a cleared send queue is as new", () => {
  const queue = new SendQueue();
  queue.push(Uint8Array.of(1, 2, 3));
  queue.clear();
  assertEquals(queue.length, 0);
  queue.push(Uint8Array.of(4, 5));
  const target = new Uint8Array(2);
  queue.copy(0, 2, target, 0);
  assertEquals([...target], [4, 5]);
});

for (const seed of [1, 2, 3]) {
  Deno.test(`the receive queue gives back what was put in, in order (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const queue = new ReceiveQueue();
    const twin: number[] = [];
    let length = 0;
    for (let step = 0; step < 1500; step++) {
      if (dice.int(3) < 2 && length < 300_000) {
        const bytes = dice.bytes(dice.pick([1, 100, 1460, 30_000]));
        const start = dice.int(bytes.length + 1);
        const end = start + dice.int(bytes.length - start + 1);
        for (let i = start; i < end; i++) twin.push(bytes[i]);
        length += end - start;
        queue.push(bytes, start, end);
        bytes.fill(0);
      } else {
        const found = queue.take();
        if (found === undefined) assertEquals(length, 0);
        else {
          assertEquals(found.length > 0 && found.length <= 65_536, true);
          assertEquals(found, Uint8Array.from(twin.splice(0, found.length)));
          length -= found.length;
        }
      }
      assertEquals(queue.length, length);
    }
    queue.clear();
    assertEquals([queue.length, queue.take()], [0, undefined]);
  });
}

Deno.test("the send queue forgets the chunks behind it, and goes on where it was", () => {
  const dice = seededDice(11);
  const queue = new SendQueue();
  const twin: number[] = [];
  for (let i = 0; i < 400; i++) {
    const chunk = dice.bytes(2048);
    for (const byte of chunk) twin.push(byte);
    queue.push(chunk);
  }
  // As a flow does: copies run ahead, acknowledgments follow.
  let [acked, sent] = [0, 0];
  while (acked < twin.length) {
    const length = Math.min(1448, twin.length - sent);
    const target = new Uint8Array(length);
    queue.copy(sent - acked, length, target, 0);
    assertEquals(target, Uint8Array.from(twin.slice(sent, sent + length)));
    sent += length;
    if (sent - acked < 20_000 && sent < twin.length) continue;
    const count = Math.min(1 + dice.int(15_000), sent - acked);
    queue.drop(count);
    acked += count;
  }
  assertEquals(queue.length, 0);
});

import { assertEquals } from "@std/assert";
import { SendQueue } from "../../../src/udp/send_queue.ts";
import { seededDice } from "../random.ts";

type Item = readonly [owner: string, data: Uint8Array];

/** The same in the plainest way. */
class NaiveQueue {
  readonly items: Item[] = [];
  readonly dropped: string[] = [];

  constructor(readonly maxBytes: number) {}

  push(owner: string, data: Uint8Array): void {
    if (data.length > this.maxBytes) return void this.dropped.push(owner);
    const bytes = () => this.items.reduce((sum, [, { length }]) => sum + length, data.length);
    while (bytes() > this.maxBytes) this.dropped.push(this.items.shift()![0]);
    this.items.push([owner, data.slice()]);
  }

  run(maxBytes: number, maxPieces: number): Item[] {
    const [[owner, { length: size }]] = this.items;
    const run: Item[] = [];
    let bytes = 0;
    for (const item of this.items) {
      const [whose, { length }] = item;
      const isFirst = run.length === 0;
      const fits = whose === owner && length <= size && length > 0 && size > 0;
      if (!isFirst && (!fits || bytes + length > maxBytes || run.length === maxPieces)) break;
      run.push(item);
      bytes += length;
      if (length < size) break;
    }
    return run;
  }
}

for (const seed of [1, 2, 3]) {
  Deno.test(`the queue of datagrams is that of its naive twin (seed ${seed})`, () => {
    const dice = seededDice(seed);
    const queue = new SendQueue<string>(50_000);
    const naive = new NaiveQueue(50_000);
    const dropped: string[] = [];
    for (let step = 0; step < 3000; step++) {
      if (dice.int(100) < (step % 1000 < 500 ? 70 : 30)) {
        const data = dice.bytes(dice.pick([0, 1, 100, 100, 100, 1200, 1200, 1300, 60_000]));
        const owner = dice.pick(["a", "a", "a", "b"]);
        queue.push(owner, data, (whose) => dropped.push(whose));
        naive.push(owner, data);
      } else if (naive.items.length > 0) {
        const [maxBytes, maxPieces] = [dice.pick([1500, 5000, 65_000]), dice.pick([1, 2, 64])];
        const run = naive.run(maxBytes, maxPieces);
        assertEquals([queue.owner, queue.size], [run[0][0], run[0][1].length]);
        const bytes = queue.runBytes(maxBytes, maxPieces);
        const expected = new Uint8Array(run.flatMap(([, data]) => [...data]));
        const into = new Uint8Array(bytes + 2);
        queue.take(bytes, into, 1);
        assertEquals(into.subarray(1, 1 + bytes), expected);
        naive.items.splice(0, run.length);
      }
      assertEquals(queue.length, naive.items.length);
    }
    assertEquals(dropped, naive.dropped);
  });
}

Deno.test("an empty queue has no owner", () => {
  const queue = new SendQueue<string>(1000);
  assertEquals([queue.owner, queue.length], [undefined, 0]);
  queue.push("a", new Uint8Array(3), () => {});
  queue.take(3, new Uint8Array(3), 0);
  assertEquals([queue.owner, queue.length], [undefined, 0]);
});

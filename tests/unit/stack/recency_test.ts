import { assertEquals } from "@std/assert";
import { Deadlines } from "../../../src/stack/deadlines.ts";
import { Recency } from "../../../src/stack/recency.ts";
import { seededDice } from "../random.ts";

interface Entry {
  readonly name: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

Deno.test("whoever was used longest ago is the oldest, as in a plain list", () => {
  const dice = seededDice(7);
  const recency = new Recency<Entry>();
  const naive: Entry[] = [];
  for (let name = 0; name < 5000; name++) {
    const act = dice.int(3);
    if (act === 0 || naive.length === 0) {
      const entry = { name, older: undefined, newer: undefined };
      recency.add(entry);
      naive.push(entry);
    } else {
      const [entry] = naive.splice(dice.int(naive.length), 1);
      if (act === 1) {
        recency.use(entry);
        naive.push(entry);
      } else recency.remove(entry);
    }
    assertEquals(recency.oldest?.name, naive[0]?.name);
  }
});

Deno.test("deadlines of what is over do not pile up", () => {
  const deadlines = new Deadlines<{ scheduledAt: number }>();
  const kept = { scheduledAt: Infinity };
  deadlines.schedule(kept, 5);
  for (let i = 0; i < 1000; i++) {
    const entry = { scheduledAt: Infinity };
    deadlines.schedule(entry, i < 500 ? 1 : 10 + i);
    deadlines.forget(entry);
    deadlines.forget(entry);
  }
  assertEquals(deadlines.next() <= 5, true);
  assertEquals(deadlines.take(4), undefined);
  assertEquals(deadlines.take(5), kept);
  assertEquals(deadlines.take(Infinity), undefined);
  assertEquals(deadlines.next(), Infinity);
});
